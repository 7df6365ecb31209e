"""`autoencoders train mnist vae` and so on: one command for each stage, which DVC calls."""

import argparse
from collections.abc import Iterator

from autoencoders import pipeline, stages
from autoencoders.commands import Parser


def add_arguments(parser: Parser) -> None:
    """Add the dataset and the variant, if the stage has them."""
    for axis in pipeline.BY_NAME[parser.prog.split()[-1]].matrix:
        parser.add_argument(axis, help=f"a {axis} of params.yaml")


def run(options: argparse.Namespace) -> Iterator[str]:
    """Run the stage and yield its summary."""
    matrix = pipeline.BY_NAME[options.command].matrix
    item = pipeline.Item(options.command, **{axis: getattr(options, axis) for axis in matrix})
    yield f"{item.name}: {stages.run(item)}"
