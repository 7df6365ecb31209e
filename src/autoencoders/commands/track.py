"""`autoencoders track`: upload what the tracking server missed."""

import argparse
from collections.abc import Iterator

from autoencoders.commands import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("track", help="upload what the MLflow server missed")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Upload, and say what."""
    from autoencoders import stages

    yield from stages.track()
