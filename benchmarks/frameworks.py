"""`python -m benchmarks.frameworks`: the first five variants under PyTorch and TensorFlow, in turn.

Measures the seconds of an epoch after the first one, which compiles, and the peak memory. Each
training runs in its own process with its `threads` of params.yaml, as in the pipeline.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from autoencoders.device import tune_cpu
from autoencoders.errors import UserError
from autoencoders.training.history import Progress, Row
from benchmarks import machine, trainer
from benchmarks.settings import VARIANTS
from benchmarks.table import print_progress
from benchmarks.worker import run_fresh

EPOCHS = 2


class Rates(Progress):
    """Progress that keeps the images per second of each epoch."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Keep the rate of an epoch."""
        self.rates.append(images_per_second)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frameworks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    options = parser.parse_args(arguments)
    print("| | PyTorch, s per epoch | TensorFlow | ratio (spread) | peak, MB | TensorFlow |")
    print("|---|---|---|---|---|---|")
    try:
        for variant in options.variants:
            rounds = [
                [run_fresh(epoch, variant=name) for name in (variant, f"{variant}_tensorflow")]
                for _ in range(options.rounds)
            ]
            print(line(variant, rounds), flush=True)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def epoch(variant: str) -> dict[str, Any]:
    """Train `EPOCHS` epochs; return the seconds of the last one and the peak memory in MB."""
    subject, progress = trainer.default(variant, EPOCHS), Rates()
    tune_cpu(subject.training.threads)
    images, validation = (trainer.prepared(split, 60_000) for split in ("train", "validation"))
    subject.train(images, validation, progress)
    print_progress(f"{variant}: {progress.rates[-1]:.0f} images per second")
    return {"seconds": len(images) / progress.rates[-1], "memory": machine.memory("VmHWM")}


def line(variant: str, rounds: list[list[dict[str, Any]]]) -> str:
    """Return the table row of a variant: medians, and the minimum and maximum of the ratios."""
    torch, tensorflow = (
        {key: statistics.median(pair[side][key] for pair in rounds) for key in rounds[0][side]}
        for side in (0, 1)
    )
    ratios = sorted(b["seconds"] / a["seconds"] for a, b in rounds)
    return (
        f"| `{variant}` | {torch['seconds']:.1f} | {tensorflow['seconds']:.1f} | "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) | "
        f"{torch['memory']:,.0f} | {tensorflow['memory']:,.0f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
