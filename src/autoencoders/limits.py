"""The cores and the memory that this process may use: the machine's, or fewer in a container.

Containers, batch systems and systemd limit processes by Linux's cgroups, version 1 or 2.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")  # lines `<number>:<controllers>:<path of the cgroup>`
MEMORY_FILES = ("memory.max", "memory.high", "memory.limit_in_bytes")
QUOTA_FILES = (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))


def available_cores() -> int:
    """Return the number of cores that this process may use, at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)  # only on Linux
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for folder in _cgroups():
        for names in QUOTA_FILES:
            match [number for name in names for number in _numbers(folder / name)]:
                case quota, period if quota > 0 and period > 0:  # -1 is no quota
                    cores = min(cores, int(min(quota / period, cores)))
    return max(1, cores)


def available_memory() -> float:
    """Return the bytes of memory that this process may use, together with others in its cgroup."""
    limits = [n for folder in _cgroups() for name in MEMORY_FILES for n in _numbers(folder / name)]
    return min([psutil.virtual_memory().total, *limits])


def _cgroups() -> Iterator[Path]:
    """Yield the folders of this process's cgroups, and of those that contain them."""
    try:
        lines = MEMBERSHIP.read_text("utf-8", "replace").splitlines()
    except OSError:  # another system than Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        # Version 2 names no controllers; next to version 1, its folder is `unified`.
        for name in {controllers, *controllers.split(","), controllers or "unified"}:
            root = CGROUPS / name
            folder = root / path.strip("/")  # in a container, this folder may be missing
            yield from (place for place in (folder, *folder.parents) if place.is_relative_to(root))


def _numbers(path: Path) -> list[float]:
    """Return the numbers in a file of a cgroup; none without the file."""
    try:
        return [math.inf if word == "max" else float(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
