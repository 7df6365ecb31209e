"""Which device computes, and how: the machine's affair, so an environment variable and no param."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock

from autoencoders.errors import UserError

CPU = torch.device("cpu")
GPU_LOCK = Path(".dvc/tmp/gpu.lock")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def device() -> torch.device:
    """Return the device of `AUTOENCODERS_DEVICE`; without it CUDA where there is one, else the CPU.

    Of several processes that torchrun started on a machine, each gets its own GPU.

    Raises:
        UserError: the variable names no device of this machine.
    """
    name = _name()
    try:
        computing = torch.zeros(1, device=name)
        computing.item()  # `meta` is a device too, and holds no numbers
        return computing.device
    except (RuntimeError, AssertionError):
        raise UserError(
            f"AUTOENCODERS_DEVICE: found {name!r}, which this machine lacks; allowed: cpu, or "
            "cuda, cuda:0, … where there is a GPU; unset it to choose by itself"
        ) from None


@contextmanager
def gpu_lock(on_gpu: bool) -> Iterator[None]:
    """Wait until no other stage of this repository computes on the GPU, if this one will."""
    if not (on_gpu and _name().startswith("cuda")):
        yield
        return
    GPU_LOCK.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(GPU_LOCK):
        yield


def _name() -> str:
    cuda = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    default = cuda if torch.cuda.is_available() else "cpu"
    return os.environ.get("AUTOENCODERS_DEVICE") or default


def exact_device() -> torch.device:
    """Return `device`, on which from now on float32 means float32.

    For what measures and draws: a GPU rounds the inputs of convolutions to ten bits unless told
    otherwise, and the structural similarity, a small difference of large numbers, shows it.
    """
    chosen = device()
    if chosen.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
    return chosen


def tune_cpu(threads: int) -> None:
    """Make this process's threads, memory and numbers as a training needs them.

    Batches of activations come and go at every step. glibc would hand them back to the system each
    time and fault them in anew; here it keeps them. Numbers below float32's normal range, which
    cost a hundred times the others and change no result, count as zero.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library has no mallopt
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)
            mallopt(M_TRIM_THRESHOLD, 2**30)
