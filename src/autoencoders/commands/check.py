"""`autoencoders check`: say whether params.yaml is valid."""

import argparse
from collections.abc import Iterator

from autoencoders import paths
from autoencoders.commands import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("check", help="validate params.yaml and run nothing")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Say that params.yaml is valid, or raise a `UserError` with a line for each mistake."""
    from autoencoders import params

    loaded = params.load()
    runs = len(loaded.datasets_to_run) * len(loaded.variants_to_run)
    yield f"{paths.PARAMS} is valid: {runs} trainings to run"
