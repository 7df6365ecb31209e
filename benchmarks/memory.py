"""`python -m benchmarks.memory`: the peak memory of each stage, by the size of a user's images.

The pipeline runs on random colour images in a copy of the working tree, each stage in its own
process, with the settings of params.yaml except for a single epoch.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from autoencoders import paths, pipeline, yaml12
from autoencoders.errors import UserError
from benchmarks import copies

DATASET = "squares"
SIZES = (28, 64, 96, 128, 256)  # pixels, height and width
COUNTS = (27, 300)  # images to train on
VARIANTS = ("conv", "vae", "denoise", "superres")  # two have a reduced encoder input
STAGES = ("classify", "pixels", "train", "evaluate", "figures")
CLASSES = 2
TEST_FRACTION, TRAIN_FRACTION = 0.2, 0.9


class Cost(NamedTuple):
    """The peak memory of a process in MB, and its wall time in seconds."""

    megabytes: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="pixels")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="training images")
    options = parser.parse_args(arguments)
    print(f"| training images | {' | '.join(STAGES)} |\n|{'---|' * (len(STAGES) + 1)}", flush=True)
    try:
        for count in options.counts:
            for size in options.sizes:
                print(row(count, size, stages(count, size)), flush=True)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def row(count: int, size: int, costs: dict[str, list[Cost]]) -> str:
    """Return a row of the table: the maximum over the variants."""
    worst = [Cost(*map(max, zip(*costs[stage], strict=True))) for stage in STAGES]
    cells = [f"{cost.megabytes:,.0f} MB, {cost.seconds:.0f} s" for cost in worst]
    return f"| {count} of {size}×{size} | {' | '.join(cells)} |"


def stages(count: int, size: int) -> dict[str, list[Cost]]:
    """Return the costs of each stage, one for each variant; stages run one after another."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder, "repository")
        copies.copy_working_tree(Path(), repository)
        set_up(repository, count, size)
        environment = copies.environment(Path(folder)) | {"PYTHONPATH": str(repository / "src")}
        costs: dict[str, list[Cost]] = {}
        for item in pipeline.items([DATASET], list(VARIANTS)):
            if item.stage == "report":
                continue
            costs.setdefault(item.stage, []).append(cost(item.command, repository, environment))
    return costs


def set_up(repository: Path, count: int, size: int) -> None:
    """Write `count` random training images, the other splits' images, and their params."""
    rng = np.random.default_rng(0)
    for i in range(round(count / TRAIN_FRACTION / (1 - TEST_FRACTION))):
        folder = repository / "pictures" / str(i % CLASSES)
        folder.mkdir(parents=True, exist_ok=True)
        patches = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        patches.resize((size, size), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    path = repository / paths.PARAMS
    content: dict[str, Any] = yaml12.read(path)
    dataset = {"folder": "pictures", "side": size, "channels": 3, "test_fraction": TEST_FRACTION}
    content["data"] |= {"datasets": {DATASET: dataset}, "train_fraction": TRAIN_FRACTION}
    content |= {"datasets_to_run": [DATASET], "variants_to_run": list(VARIANTS)}
    content["variants"] = {name: content["variants"][name] for name in VARIANTS}
    for part in (content["classifier"], *(v["training"] for v in content["variants"].values())):
        part["epochs"] = 1
    path.write_text(yaml12.dump(content), "utf-8")


def cost(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Cost:
    """Run a command and return its cost.

    Raises:
        UserError: the command fails.
    """
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            output.seek(0)
            raise UserError(f"`{' '.join(command)}` fails in a copy:\n{output.read()}")
    return Cost(usage.ru_maxrss * 1024 / 1e6, seconds)


if __name__ == "__main__":
    sys.exit(main())
