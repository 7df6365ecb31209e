"""The command line: one command per stage, and what people do beside the pipeline."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from autoencoders import paths
from autoencoders.errors import UserError

STAGES = {
    "fetch": ("dataset",),
    "prepare": ("dataset",),
    "classify": ("dataset",),
    "pixels": ("dataset",),
    "train": ("dataset", "variant"),
    "evaluate": ("dataset", "variant"),
    "figures": ("dataset", "variant"),
    "report": (),
}
FEW_COLLECTIONS = 100_000  # new objects between two searches for garbage
INTERRUPTED = 130  # what shells report after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    # Imports make objects that stay: searching them for garbage takes a fifth of the start.
    gc.set_threshold(FEW_COLLECTIONS)
    try:
        _run(options)
    except UserError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing half-written is left", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        print(f"error: a fault of ours ({reason}); --debug shows where", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    # Relative paths in arguments are the caller's; those of the stages are the repository's.
    images = [image.resolve() for image in getattr(options, "images", [])]
    folder = options.to.resolve() if "to" in options else None
    os.chdir(paths.repository_root())
    if options.command == "check":
        from autoencoders import params

        loaded = params.load()
        runs = len(loaded.datasets_to_run) * len(loaded.variants_to_run)
        print(f"{paths.PARAMS} is valid: {runs} trainings to run")
    elif options.command == "track":
        from autoencoders import stages

        uploaded = stages.track()
        print(f"uploaded {', '.join(uploaded)}" if uploaded else "nothing was missing")
    elif options.command == "reconstruct":
        from autoencoders import reconstruct

        assert folder is not None
        for written in reconstruct.files(options.dataset, options.variant, images, folder):
            print(written)
    else:
        from autoencoders import stages
        from autoencoders.tracking import StageIdentity

        names = {name: getattr(options, name) for name in STAGES[options.command]}
        item = StageIdentity(options.command, **names)
        print(f"{item.name}: {stages.run(item)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autoencoders",
        description="Stages of the pipeline, each as `dvc repro` runs it, and tools beside it.",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a fault")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("check", help="validate params.yaml and run nothing")
    for stage, names in STAGES.items():
        command = commands.add_parser(stage, help=f"run the stage {stage}, tracked")
        for name in names:
            command.add_argument(name)
    commands.add_parser("track", help="upload what the MLflow server missed")
    reconstruct = commands.add_parser(
        "reconstruct", help="put image files through a trained variant"
    )
    reconstruct.add_argument("dataset")
    reconstruct.add_argument("variant")
    reconstruct.add_argument("images", nargs="+", type=Path, help="what the encoder is to see")
    reconstruct.add_argument("--to", type=Path, required=True, help="the folder to write PNGs into")
    return parser
