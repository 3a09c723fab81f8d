"""Devices and number formats: never another one than was asked for."""

import subprocess
import sys

import pytest
import torch

from seefar.errors import UsageError
from seefar.networks import device as devices
from seefar.networks.device import choose_device, choose_precision

CPU = torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_an_absent_gpu_is_refused_not_replaced() -> None:
    """Fault 59."""
    with pytest.raises(
        UsageError, match="'cuda' was asked for, but this machine or this build of torch has none; use --device cpu"
    ):
        choose_device("cuda")
    assert choose_device("auto") == CPU


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="no device is called 'tpu'"):
        choose_device("tpu")


def test_bf16_where_the_processor_has_it_and_an_error_where_it_was_asked_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert [choose_precision(name, CPU) for name in ("auto", "bf16", "fp32")] == [torch.bfloat16, torch.bfloat16, torch.float32]
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert choose_precision("auto", CPU) == torch.float32
    with pytest.raises(UsageError, match="no bf16 arithmetic; use --set precision=fp32"):
        choose_precision("bf16", CPU)


def test_a_torch_too_old_to_tell_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert choose_precision("auto", CPU) == torch.float32


def test_the_real_processor_is_read_like_the_system_does() -> None:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            flags = file.read().split()
    except OSError:
        pytest.skip("no /proc/cpuinfo here")
    assert devices._has_bf16(CPU) == ("avx512_bf16" in flags or "amx_bf16" in flags)


def test_freed_memory_is_kept_where_the_c_library_is_glibc() -> None:
    """In a process of its own: it cannot be undone."""
    code = (
        "import platform\n"
        "from seefar.networks import device\n"
        "print(device.keeps_freed_memory(), device.keep_freed_memory(), device.keeps_freed_memory(), platform.libc_ver()[0])"
    )
    before, done, after, library = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split(" ")
    assert before == "False"
    assert done == after == str(library.strip() == "glibc")


def test_a_machine_without_a_compiler_is_told_so_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UsageError, match="leave out --compile"):
        devices.check_compiler()


def test_threads_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of the machine, where `taskset` or a cpuset leaves fewer."""
    monkeypatch.setattr(devices, "cores", lambda: 1)
    with pytest.raises(UsageError, match="threads is 2; allowed is 1 to 1, the processors that this process may use"):
        devices.set_threads(2)
