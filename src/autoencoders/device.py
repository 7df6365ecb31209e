"""The device of all computations; an environment variable selects it for each machine."""

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
    """Return the device in `AUTOENCODERS_DEVICE`; by default a GPU if there is one, else the CPU.

    Each process that torchrun starts on a machine gets its own GPU.

    Raises:
        UserError: this machine does not have the device.
    """
    name = _device_name()
    try:
        probe = torch.zeros(1, device=name)
        probe.item()  # fails for the device `meta`, which has no values
        return probe.device
    except (RuntimeError, AssertionError):
        raise UserError(
            f"AUTOENCODERS_DEVICE: found {name!r}, which this machine does not have; allowed: cpu, "
            "or with a GPU cuda, cuda:0, …; unset the variable for an automatic choice"
        ) from None


@contextmanager
def gpu_lock(on_gpu: bool) -> Iterator[None]:
    """With `on_gpu`, wait until no other stage of this repository uses the GPU."""
    if not (on_gpu and _device_name().startswith("cuda")):
        yield
        return
    GPU_LOCK.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(GPU_LOCK):
        yield


def _device_name() -> str:
    cuda = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    default = cuda if torch.cuda.is_available() else "cpu"
    return os.environ.get("AUTOENCODERS_DEVICE") or default


def exact_device() -> torch.device:
    """Return the result of `device()`, and disable TF32 on a GPU, for measurements and figures.

    By default a GPU rounds the inputs of convolutions to ten bits. This changes the structural
    similarity, whose variances are small differences of large numbers.
    """
    chosen = device()
    if chosen.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
    return chosen


def tune_cpu(threads: int) -> None:
    """Set the number of threads, keep freed memory, and flush denormal numbers to zero.

    Each step allocates and frees its activations. By default glibc returns this memory to the
    system, and each new allocation causes page faults. Denormal numbers are below float32's normal
    range. They take a hundred times as long to compute and do not change results.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # only glibc has mallopt
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)
            mallopt(M_TRIM_THRESHOLD, 2**30)
