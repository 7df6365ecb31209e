"""`autoencoders train mnist vae` and so on: one command for each stage, as DVC runs it."""

import argparse
from collections.abc import Iterator

from autoencoders import device, pipeline
from autoencoders.commands import Commands


def add(commands: Commands) -> None:
    """Add one command for each stage of the pipeline."""
    for stage in (stage for stage in pipeline.STAGES if stage.tracked):
        parser = commands.add_parser(stage.name, help=f"run the stage {stage.name}, tracked")
        for axis in stage.matrix:
            parser.add_argument(axis)
        parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Run the stage, and say what it wrote."""
    device.use_one_thread()
    from autoencoders import stages

    matrix = pipeline.BY_NAME[options.command].matrix
    item = pipeline.Item(options.command, **{axis: getattr(options, axis) for axis in matrix})
    yield f"{item.name}: {stages.run(item)}"
