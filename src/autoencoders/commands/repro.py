"""`autoencoders repro`: what `dvc repro` does, on all cores."""

import argparse
import os
from collections.abc import Iterator

import joblib
import psutil

from autoencoders import params
from autoencoders.commands import Parser, whole_number
from autoencoders.errors import UserError
from autoencoders.pipeline import Item
from autoencoders.running import driver

MEMORY_PER_JOB = 2e9  # bytes: a stage on images of 28 to 64 pixels takes up to 1.4


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="STAGE",
        help="`train@mnist-vae`, or `train` for all of them; what they wait for is run too",
    )
    parser.add_argument(
        "--jobs",
        type=whole_number(1),
        help="how many cores to use; by default all, if there are 2 GB of memory for each",
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Check params.yaml, run the stages, and say what each made."""
    if os.name == "nt":
        raise UserError("stages do not run side by side on Windows: `dvc repro` makes the same")
    loaded = params.load()
    core_counts = {
        Item("train", dataset, variant).name: loaded.variants[variant].training.threads
        for dataset in loaded.datasets_to_run
        for variant in loaded.variants_to_run
    }
    yield from driver.run(options.targets, core_counts, options.jobs or _all())


def _all() -> int:
    memory = psutil.virtual_memory().total
    return int(max(1, min(joblib.cpu_count(), memory // MEMORY_PER_JOB)))
