"""What the benchmark runs on."""

import os
from pathlib import Path

import torch

from autoencoders.device import device

CPU_FLAGS = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}


def describe() -> str:
    """Return a line on the processors and on PyTorch."""
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
    """Wait until the device has done what it was asked to; a graph being captured cannot wait."""
    if device.type == "cuda" and not torch.cuda.is_current_stream_capturing():
        torch.cuda.synchronize(device)


def memory(entry: str) -> float:
    """Return this process's `VmHWM` (its peak), `RssAnon` (not backed by files), …, in MB.

    Unlike `ru_maxrss`, none of them remembers the process that started this one.
    """
    status = Path("/proc/self/status").read_text("utf-8")
    return int(_fields(status)[entry].split()[0]) * 1024 / 1e6


def _cpu() -> dict[str, str]:
    """Return what /proc/cpuinfo says of the first core."""
    first = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n")[0]
    return _fields(first)


def _fields(lines: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
