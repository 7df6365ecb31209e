"""`autoencoders train mnist vae` and so on: one command for each stage, which DVC calls."""

import argparse
import json
from collections.abc import Iterator

from autoencoders import params, pipeline, stages
from autoencoders.commands import Parser


def add_arguments(parser: Parser) -> None:
    """Add the dataset and the variant, if the stage has them."""
    for axis in pipeline.BY_NAME[parser.prog.split()[-1]].matrix:
        parser.add_argument(axis, help=f"a {axis} of params.yaml")
    if parser.prog.endswith(" evaluate"):
        parser.add_argument(
            "--split",
            choices=("test", "validation"),
            default="test",
            help="validation: only print the metrics on the validation images, to choose settings",
        )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Run the stage and yield its summary, or the metrics on the validation images as JSON."""
    matrix = pipeline.BY_NAME[options.command].matrix
    item = pipeline.Item(options.command, **{axis: getattr(options, axis) for axis in matrix})
    if getattr(options, "split", "test") == "validation":
        from autoencoders.stages import evaluate  # slow to import

        metrics = evaluate.measure_on_validation_images(params.load(), item)
        yield json.dumps(metrics, indent=2)
    else:
        yield f"{item.name}: {stages.run(item)}"
