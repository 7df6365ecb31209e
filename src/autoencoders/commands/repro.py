"""`autoencoders repro`: run the outdated stages as `dvc repro` does, in parallel."""

import argparse
import os
from collections.abc import Iterator

from autoencoders import limits, params
from autoencoders.commands import Parser, integer
from autoencoders.errors import UserError
from autoencoders.pipeline import Item
from autoencoders.running import driver

MEMORY_PER_JOB = 2e9  # bytes; stages on images of 28 to 64 pixels take up to 1.4e9


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="STAGE",
        help="for example `train@mnist-vae`, or `train` for all trainings; their dependencies run "
        "too; default: all stages",
    )
    parser.add_argument(
        "--jobs",
        type=integer(1),
        help="number of cores to use; default: all, if there are 2 GB of memory for each",
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Check params.yaml and run the outdated stages; yield a line for each.

    Raises:
        UserError: params.yaml is not valid, a target is unknown, or stages have failed.
    """
    if os.name == "nt":
        raise UserError(
            "`autoencoders repro` does not run on Windows: use `dvc repro`, with the same results"
        )
    loaded = params.load()
    core_counts = {
        Item("train", dataset, variant).name: loaded.variants[variant].training.threads
        for dataset in loaded.datasets_to_run
        for variant in loaded.variants_to_run
    }
    yield from driver.run(options.targets, core_counts, options.jobs or _default_jobs())


def _default_jobs() -> int:
    jobs = min(limits.available_cores(), limits.available_memory() // MEMORY_PER_JOB)
    return max(1, int(jobs))
