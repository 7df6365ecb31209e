"""What the pipeline costs beside the training: each stage's start and end, and a no-op run."""

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from autoencoders import paths
from autoencoders.errors import UserError
from benchmarks import copies
from benchmarks.settings import DATASET, Options
from benchmarks.table import Row, row, say

PART = "stages"
REPEATS = 3
COMMANDS = {
    "import torch": ("python", "-c", "import torch"),
    "fetch": ("autoencoders", "fetch", DATASET),
    "prepare": ("autoencoders", "prepare", DATASET),
    "classify": ("autoencoders", "classify", DATASET),
    "pixels": ("autoencoders", "pixels", DATASET),
    "train": ("autoencoders", "train", DATASET, "conv"),
    "evaluate": ("autoencoders", "evaluate", DATASET, "conv"),
    "figures": ("autoencoders", "figures", DATASET, "conv"),
    "report": ("autoencoders", "report"),
}


@dataclass(frozen=True)
class Copy:
    """A copy of the working tree whose commands write nothing outside its folder."""

    folder: Path

    @property
    def repository(self) -> Path:
        """Return where the copy's files are."""
        return self.folder / "repository"

    def run(self, *command: str) -> float:
        """Return the seconds that a command takes.

        Raises:
            UserError: it fails.
        """
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.repository,
            env=copies.environment(self.folder) | {"PYTHONPATH": str(self.repository / "src")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            raise UserError(f"`{' '.join(command)}` fails in a copy:\n{done.stdout}{done.stderr}")
        return seconds


def measure(options: Options, earlier: list[Row]) -> list[Row]:
    """Return the wall time of each stage on next to no data, and of a run with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        copies.copy_working_tree(Path(), copy.repository)
        copies.commit(copy.repository, copies.environment(copy.folder))
        content = yaml.safe_load(paths.PARAMS.read_text("utf-8"))
        _write_params(copy, content, [DATASET], ["conv"])
        rows = [_stage(copy, name) for name in COMMANDS]
        _write_params(copy, content, content["datasets_to_run"], content["variants_to_run"])
        return [*rows, _nothing_to_do(copy)]


def _stage(copy: Copy, name: str) -> Row:
    copy.run(*COMMANDS[name])
    found = row(PART, name, "wall time", "s", *(copy.run(*COMMANDS[name]) for _ in range(REPEATS)))
    say(f"stages: {name} {found.median:.2f} s")
    return found


def _nothing_to_do(copy: Copy) -> Row:
    say("stages: running the whole pipeline once, small")
    copy.run("dvc", "repro", "--quiet")
    times = [copy.run("dvc", "repro") for _ in range(REPEATS)]
    return row(PART, "dvc repro, nothing to do", "wall time", "s", *times)


def _write_params(
    copy: Copy, content: dict[str, Any], datasets: list[str], variants: list[str]
) -> None:
    """Write params of the same variants with few images, narrow networks and one epoch."""
    small = content | {
        "datasets_to_run": datasets,
        "variants_to_run": variants,
        "variants": {name: _small(variant) for name, variant in content["variants"].items()},
        "data": content["data"]
        | {
            "source": "stand-in",
            "train_fraction": 0.9,
            "stand_in": {"train_images": 400, "test_images": 100},
        },
        "classifier": content["classifier"] | {"epochs": 1},
    }
    (copy.repository / paths.PARAMS).write_text(yaml.safe_dump(small), "utf-8")


def _small(variant: dict[str, Any]) -> dict[str, Any]:
    model, objective = dict(variant["model"]), dict(variant["objective"])
    for widths in ("encoder_channels", "decoder_channels"):
        if widths in model:
            model[widths] = [4] * len(model[widths])
    if "hidden" in model:
        model["hidden"] = [32]
    if "discriminator_hidden" in objective:
        objective["discriminator_hidden"] = [16]
    training = variant["training"] | {"epochs": 1, "batch_size": 64}
    return variant | {"model": model, "objective": objective, "training": training}
