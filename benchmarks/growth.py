"""Time per epoch and memory for growing numbers of images, in memory and memory-mapped."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autoencoders.device import device
from benchmarks import machine, trainer
from benchmarks.settings import Options
from benchmarks.table import Row, print_progress, row
from benchmarks.worker import run_fresh

PART = "growth"
VARIANTS = ("conv", "vae")
VALIDATION_IMAGES = 1000
PIXELS = 784


def measure(options: Options, earlier: list[Row]) -> list[Row]:
    """Return time and memory for a tenth of the images, all images, and ten times as many."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images.npy")
        for count in (options.images // 10, options.images, 10 * options.images):
            _write(path, count)
            for variant in VARIANTS:
                for mapped in (False, True):
                    rows += _rows(path, count, variant, mapped)
    return rows


def one_epoch(variant: str, path: str, mapped: bool) -> dict[str, Any]:
    """Measure an epoch on the images `(N, C, H, W)`, uint8, of a file."""
    subject = trainer.tutorial(variant, epochs=1)
    images = torch.from_numpy(np.load(path, mmap_mode="c" if mapped else None))
    validation = trainer.prepared("validation", VALIDATION_IMAGES)
    started = time.perf_counter()
    subject.train(images, validation)
    machine.synchronise(device())
    return {
        "seconds": time.perf_counter() - started,
        "peak": machine.memory("VmHWM"),
        "own": machine.memory("RssAnon"),
    }


def _rows(path: Path, count: int, variant: str, mapped: bool) -> list[Row]:
    storage = "memory-mapped" if mapped else "in memory"
    subject = f"{variant}, {count:,} images {storage}"
    result = run_fresh(one_epoch, variant=variant, path=str(path), mapped=mapped)
    print_progress(f"growth: {subject}: {result['seconds']:.2f} s, {result['peak']:.0f} MB")
    return [
        row(PART, subject, "uint8 images", "MB", count * PIXELS / 1e6),
        row(PART, subject, "time per epoch", "s", result["seconds"]),
        row(PART, subject, "time per million images", "s", result["seconds"] / count * 1e6),
        row(PART, subject, "peak memory", "MB", result["peak"]),
        row(PART, subject, "not file-backed at the end", "MB", result["own"]),
    ]


def _write(path: Path, count: int) -> None:
    """Write `count` images: the prepared training images, repeated."""
    source = trainer.prepared("train", count).numpy()
    shape = (count, *source.shape[1:])
    target = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, count, len(source)):
        target[start : start + len(source)] = source[: count - start]
    target.flush()
