"""The command line: what is common to all commands."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from autoencoders import commands, paths
from autoencoders.errors import UserError

FEW_COLLECTIONS = 100_000  # new objects between two searches for garbage
INTERRUPTED = 130  # what shells report after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    # Imports make objects that stay: searching them for garbage takes a fifth of the start.
    gc.set_threshold(FEW_COLLECTIONS)
    try:
        os.chdir(paths.repository_root())
        for line in options.run(options):
            print(line)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autoencoders",
        description="Stages of the pipeline, each as `dvc repro` runs it, and tools beside it.",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a fault")
    commands.add_all(parser.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    return parser
