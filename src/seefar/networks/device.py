"""Where a network runs, and in which number format it multiplies."""

import ctypes
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import torch

from seefar.cores import cores
from seefar.errors import UsageError


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; "auto" takes a CUDA GPU if there is one, then the CPU.

    Raises:
        UsageError: the device is unknown or absent; nothing else is used silently.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda", "mps"):
        raise UsageError(f"no device is called {name!r}; allowed is auto, cpu, cuda, mps")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present[name]:
        raise UsageError(f"device {name!r} was asked for, but this machine or this build of torch has none; use --device cpu")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The number format for convolutions and matrix products; weights and losses are float32 whatever it is.

    Args:
        name: "fp32", "bf16", "fp16", or "auto": bf16 where `device` has instructions for it, else fp32.
        device: where the network runs.

    Raises:
        UsageError: a format was asked for where it would only be emulated, and slower than float32.
    """
    has = {"bf16": _has_bf16(device), "fp16": device.type == "cuda", "fp32": True}
    wanted = ("bf16" if has["bf16"] else "fp32") if name == "auto" else name
    if not has[wanted]:
        raise UsageError(f"this {device.type} has no {name} arithmetic; use --set precision=fp32")
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[wanted]


def set_threads(count: int) -> None:
    """Use so many threads on the CPU, for the whole process. Sums are added up in another order with another number of them."""
    most = cores()
    if not 1 <= count <= most:
        raise UsageError(f"threads is {count}; allowed is 1 to {most}, the processors that this process may use")
    torch.set_num_threads(count)


def check_compiler() -> None:
    """Raise UsageError if torch.compile would find no compiler to work with."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++", "cl")):
        raise UsageError("torch.compile needs a C++ compiler, and none was found here (set CXX to one); leave out --compile")


def keep_freed_memory() -> bool:
    """Let the allocator keep what is freed instead of handing it back to the system, for the whole process; whether it could be done.

    A step frees and takes the same hundred megabytes again and again; fetching their pages anew is up to a seventh of its time.
    The settings (never by mmap, never trimmed) are those of glibc, https://man7.org/linux/man-pages/man3/mallopt.3.html; other C
    libraries are left alone. It is for programs that do nothing but train: what a notebook freed would be lost to its neighbours.
    """
    global _kept
    if sys.platform == "linux" and hasattr(c := ctypes.CDLL(None), "gnu_get_libc_version"):
        trim_threshold, mmap_max = -1, -4
        _kept = bool(c.mallopt(mmap_max, 0)) and bool(c.mallopt(trim_threshold, 2**31 - 1))
    return _kept


_kept = False


def keeps_freed_memory() -> bool:
    """Whether `keep_freed_memory` has done so."""
    return _kept


def make_deterministic() -> None:
    """Let torch use only operations that give the same bits each time, for the whole process; slower on a GPU.

    Source: https://docs.pytorch.org/docs/stable/notes/randomness.html
    """
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when CUDA starts
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    can = processor()
    return device.type == "cpu" and bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def processor() -> Mapping[str, Any]:
    """The processor's name and what it can do, as torch sees it; empty where torch is too old to tell."""
    found: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the machine or the GPU has no memory left, in one of the ways in which torch says it."""
    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in said or "out of memory" in said


def peak_memory(device: torch.device) -> float:
    """The most memory held so far, in MiB: on a GPU by torch, else by this process; 0 where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
