"""`autoencoders train mnist vae` and so on: one command for each stage, as DVC runs it."""

import argparse
from collections.abc import Iterator

from autoencoders import pipeline, stages
from autoencoders.commands import Parser


def add_arguments(parser: Parser) -> None:
    """Add what the stage that the parser is named after runs once for each of."""
    for axis in pipeline.BY_NAME[parser.prog.split()[-1]].matrix:
        parser.add_argument(axis)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Run the stage, and say what it wrote."""
    matrix = pipeline.BY_NAME[options.command].matrix
    item = pipeline.Item(options.command, **{axis: getattr(options, axis) for axis in matrix})
    yield f"{item.name}: {stages.run(item)}"
