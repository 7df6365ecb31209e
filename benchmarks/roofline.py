"""The share of the machine's matrix-product and copy rates that each variant reaches."""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from torch.utils.flop_counter import FlopCounterMode

from autoencoders.device import device
from autoencoders.param_types import Precision
from autoencoders.training import loop
from benchmarks import machine, trainer
from benchmarks.settings import Options
from benchmarks.table import TRUTH, Row, find, print_progress, row
from benchmarks.worker import run_fresh

PART = "roofline"
SIZE = 2048  # rows and columns of the matrices
COPIED = 2**28  # bytes, much more than a cache
REPEATS = 10
COPY = "copy, read + written"
UNMOVED = {"_unsafe_view", "empty", "empty_like", "empty_strided", "new_empty"}


def measure(options: Options, earlier: list[Row]) -> list[Row]:
    """Return the machine's rates, the work per image of each variant, and the share it reaches."""
    rates = run_fresh(machine_rates)
    print_progress(f"roofline: {rates}")
    rows = [
        row(PART, "machine", name, "GB/s" if name == COPY else "GFLOP/s", rate)
        for name, rate in rates.items()
    ]
    for variant in options.variants:
        speed = find(earlier, "epochs", variant, "ours: images per second")
        work = run_fresh(work_per_image, variant=variant)
        matmul = rates["matmul bfloat16" if work["bfloat16"] else "matmul float32"]
        speeds = (speed.min, speed.median, speed.max)
        rows += [
            row(PART, variant, "operations per image", "MFLOP", work["flops"] / 1e6),
            row(PART, variant, "bytes moved per image", "MB", work["bytes"] / 1e6),
            row(PART, variant, "bfloat16", TRUTH, work["bfloat16"]),
            _reached(variant, "matmul", work["flops"] / (matmul * 1e9), speeds),
            _reached(variant, "copy", work["bytes"] / (rates[COPY] * 1e9), speeds),
        ]
        print_progress(f"roofline: {variant} {work}")
    return rows


def machine_rates() -> dict[str, Any]:
    """Measure matrix products in GFLOP/s, in the precisions of training, and copies in GB/s."""
    rates = {}
    for dtype in dict.fromkeys((torch.float32, _dtype("auto"))):
        matrix = torch.randn(SIZE, SIZE, device=device()).to(dtype)
        name = str(dtype).removeprefix("torch.")
        rate = 2 * SIZE**3 / _seconds(partial(torch.mm, matrix, matrix))
        rates[f"matmul {name}"] = rate / 1e9
    source = torch.ones(COPIED, dtype=torch.uint8, device=device())
    target = torch.empty_like(source)
    return rates | {COPY: 2 * COPIED / _seconds(lambda: target.copy_(source)) / 1e9}


def _dtype(precision: Precision) -> torch.dtype:
    """Return the dtype of matrix products on this device."""
    with loop.autocast(precision, device())():
        autocast = torch.is_autocast_enabled(device().type)
        return torch.get_autocast_dtype(device().type) if autocast else torch.float32


def work_per_image(variant: str) -> dict[str, Any]:
    """Count operations and bytes per image: the difference between two batches and one batch."""
    subject = trainer.tutorial(variant, epochs=1)
    size = subject.training.batch_size
    images = trainer.prepared("train", 2 * size)
    one, two = (_count(subject, images[: n * size]) for n in (1, 2))
    bfloat16 = _dtype(subject.training.precision) == torch.bfloat16
    flops, moved = ((b - a) / size for a, b in zip(one, two, strict=True))
    return {"flops": flops, "bytes": moved, "bfloat16": bfloat16}


class Traffic(TorchDispatchMode):
    """Adds up the bytes that each operation reads and writes; views count as zero."""

    bytes = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        outputs = func(*args, **(kwargs or {}))
        if not func.is_view and func.overloadpacket.__name__ not in UNMOVED:
            leaves = tree_iter((args, kwargs, outputs))
            self.bytes += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, Tensor))
        return outputs


def _count(subject: trainer.Trainer, images: Tensor) -> tuple[int, int]:
    """Return operations and bytes of an epoch on these images with one validation image."""
    with FlopCounterMode(display=False) as flops, Traffic() as traffic:  # type: ignore[no-untyped-call]
        subject.train(images, images[:1])
    return flops.get_total_flops(), traffic.bytes


def _reached(variant: str, rate: str, seconds: float, speeds: tuple[float, ...]) -> Row:
    """Return the used share of a rate; at that rate an image takes `seconds`."""
    shares = [100 * seconds * speed for speed in speeds]
    return row(PART, variant, f"of the {rate} rate", "%", *shares)


def _seconds(run: Callable[[], object]) -> float:
    """Return the median seconds of one call, after one call to warm up."""
    run()
    times = []
    for _ in range(REPEATS):
        machine.synchronise(device())
        started = time.perf_counter()
        run()
        machine.synchronise(device())
        times.append(time.perf_counter() - started)
    return median(times)
