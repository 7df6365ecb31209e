"""`autoencoders sweep sweeps/vae-lr.yaml`: compare many settings of one variant, on Ray."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from autoencoders import paths, studies
from autoencoders.commands import Parser, absolute_path
from autoencoders.commands.seeds import add_machines, machines
from autoencoders.studies import sweep
from autoencoders.studies.sweep_page import PAGE


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "file", type=absolute_path, metavar="FILE", help="for example sweeps/vae-lr.yaml"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the best values into params.yaml"
    )
    add_machines(parser)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Run the sweep unless it has finished; the last line is the command for its best trial.

    Raises:
        UserError: the file is not valid, Ray is missing, the folder has other results of this name,
            or all trials fail.
    """
    studies.require_libraries()
    file, root = options.file, Path.cwd()
    loaded = sweep.load(file.relative_to(root) if file.is_relative_to(root) else file)
    record = sweep.finished(loaded)
    if record:
        yield f"{loaded.path}: finished already, so no trial runs"
    else:
        with sweep.run(loaded, machines(options)) as outcomes:
            record = sweep.write(loaded, outcomes)
    yield (
        f"{record.trials} trials, {record.failed} failed; best {loaded.file.metric}: "
        f"{record.value:#.5g}; {loaded.folder / PAGE}"
    )
    if options.write:
        sweep.write_params(loaded, record.best)
        yield f"wrote the best values into {paths.PARAMS}"
    yield sweep.command(loaded, record.best)
