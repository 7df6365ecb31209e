"""`autoencoders track`: upload what the tracking server missed."""

import argparse
from collections.abc import Iterator

from autoencoders import stages
from autoencoders.commands import Parser


def add(parser: Parser) -> None:
    """Take no arguments."""


def run(options: argparse.Namespace) -> Iterator[str]:
    """Upload, and say what."""
    yield from stages.track()
