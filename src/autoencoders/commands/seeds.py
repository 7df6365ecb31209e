"""`autoencoders seeds mnist/vae mnist/conv_vae`: train variants with several seeds, on Ray."""

import argparse
import contextlib
from collections.abc import Iterator

from autoencoders import limits, params, studies
from autoencoders.commands import Parser, absolute_path, integer
from autoencoders.errors import UserError, suggestion
from autoencoders.studies import seeds
from autoencoders.studies.study import Machines


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("names", nargs="*", metavar="DATASET/VARIANT", help="for example mnist/vae")
    parser.add_argument("--all", action="store_true", help="all datasets and variants to run")
    parser.add_argument("--count", type=integer(2), default=5, help="number of seeds (default: 5)")
    add_machines(parser)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Train the variants with the seeds that have no results yet; yield their intervals.

    Raises:
        UserError: a name is unknown, Ray is missing, or a training fails.
    """
    studies.require_libraries()
    loaded = params.load()
    pairs = [(d, v) for d in loaded.datasets_to_run for v in loaded.variants_to_run]
    if not options.all:
        pairs = [_pair(loaded, name) for name in dict.fromkeys(options.names)]
    if not pairs:
        raise UserError("DATASET/VARIANT: missing; add one, such as mnist/vae, or --all")
    yield from seeds.run(loaded, pairs, options.count, machines(options))


def add_machines(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where a study runs."""
    parser.add_argument(
        "--jobs", type=integer(1), help="number of cores to use; on a cluster, of trials at once"
    )
    parser.add_argument(
        "--gpus", type=share, default=0.0, help="GPUs for each trial, such as 1 or 0.25"
    )
    parser.add_argument("--address", help="the address of a Ray cluster; default: this machine")
    parser.add_argument(
        "--storage",
        help="a folder or S3 address that all machines of the cluster reach, for the study's state",
    )


def machines(options: argparse.Namespace) -> Machines:
    """Return where a study runs, from the arguments."""
    jobs = options.jobs or (0 if options.address else limits.available_cores())
    storage = options.storage
    if storage is not None and "://" not in storage:
        storage = str(absolute_path(storage))
    return Machines(options.address, jobs, options.gpus, storage)


def share(argument: str) -> float:
    """Return a number of GPUs: a whole number or a part of one."""
    with contextlib.suppress(ValueError):
        if (number := float(argument)) >= 0 and (number.is_integer() or number < 1):
            return number
    raise argparse.ArgumentTypeError(f"found {argument!r}; allowed: 0, 1, 2, … or a part of 1")


def _pair(loaded: params.Params, name: str) -> tuple[str, str]:
    dataset, _, variant = name.partition("/")
    for kind, part, allowed in (
        ("dataset", dataset, params.image_shapes(loaded)),
        ("variant", variant, loaded.variants),
    ):
        if part not in allowed:
            raise UserError(f"{name}: found the {kind} {part!r}{suggestion(part, allowed)}")
    return dataset, variant
