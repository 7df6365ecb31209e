"""Description, clock synchronisation and memory of the machine."""

import os
from pathlib import Path

import torch

from autoencoders.device import device

CPU_FLAGS = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}


def describe() -> str:
    """Return one line that describes the processors and PyTorch."""
    cpu = _cpu()
    flags = [name for flag, name in CPU_FLAGS.items() if flag in cpu.get("flags", "").split()]
    parts = [
        cpu.get("model name", "unknown processor"),
        f"{len(os.sched_getaffinity(0))} cores",
        " and ".join(flags) or "no bfloat16 units",
        f"PyTorch {torch.__version__}",
        f"{torch.get_num_threads()} threads",
    ]
    if device().type == "cuda":
        parts.append(torch.cuda.get_device_name(device()))
    return ", ".join(parts)


def synchronise(device: torch.device) -> None:
    """Wait until the device has finished its work; do nothing while a CUDA graph is captured."""
    if device.type == "cuda" and not torch.cuda.is_current_stream_capturing():
        torch.cuda.synchronize(device)


def memory(entry: str) -> float:
    """Return a memory entry of this process in MB: `VmHWM` (peak), `RssAnon` (not file-backed), ….

    Unlike `ru_maxrss`, these do not include the memory of the parent process.
    """
    status = Path("/proc/self/status").read_text("utf-8")
    return int(_fields(status)[entry].split()[0]) * 1024 / 1e6


def _cpu() -> dict[str, str]:
    """Return the fields of /proc/cpuinfo for the first core."""
    first = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n")[0]
    return _fields(first)


def _fields(lines: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
