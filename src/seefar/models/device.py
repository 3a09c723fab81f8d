"""Where a network runs, and in which number format it multiplies."""

from collections.abc import Mapping
from typing import Any

import torch

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
        name: "fp32", "bf16", or "auto": bf16 where `device` has instructions for it, else fp32.
        device: where the network runs.

    Raises:
        UsageError: bf16 was asked for where it would only be emulated, and slower than float32.
    """
    has_bf16 = _has_bf16(device)
    if name == "bf16" and not has_bf16:
        raise UsageError(f"this {device.type} has no bf16 arithmetic; use --set precision=fp32")
    return torch.bfloat16 if has_bf16 and name in ("auto", "bf16") else torch.float32


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    can = processor()
    return device.type == "cpu" and bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def processor() -> Mapping[str, Any]:
    """The processor's name and what it can do, as torch sees it; empty where torch is too old to tell."""
    found: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return found
