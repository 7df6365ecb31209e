"""The commands, a file each; `cli.py` has their names, and imports the one that is called.

A module has `run`, which takes the parsed options and returns an iterator of lines to print; and
`add(parser)`, which adds its arguments, where it takes some. Relative paths in arguments are the
caller's and resolved when they are parsed; a command then runs in the repository's root.
"""

import argparse
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

# What ends a process politely: `kill`, a scheduler, a terminal that is closed (not on Windows).
POLITE = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are a line, as all others are."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end."""
        self.exit(2, f"error: {message}; `{self.prog} --help` says what is allowed\n")


def ignore_signals() -> None:
    """Let no signal be a traceback while Python ends."""
    for number in (signal.SIGINT, *POLITE):
        signal.signal(number, signal.SIG_IGN)


def absolute(argument: str) -> Path:
    """Return the caller's path, with the names that it was given: links are not resolved."""
    if not argument:  # it would be the caller's folder
        raise argparse.ArgumentTypeError("found ''; allowed: a path")
    return Path(argument).absolute()


def add_images(parser: argparse.ArgumentParser) -> argparse.Action:
    """Add what the commands on image files share, IN… and --resize; return the former."""
    parser.add_argument(
        "--resize",
        action="store_true",
        help="cut images to the square in their middle, and resample it to the trained size",
    )
    return parser.add_argument(
        "images",
        nargs="+",
        type=absolute,
        metavar="IN",
        help="files, folders or patterns of images: what the encoder is to see",
    )


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add --precision."""
    parser.add_argument(
        "--precision",
        choices=("auto", "float32"),
        default="auto",
        help="auto, the default, computes images of 8 bits per channel in bfloat16 where the "
        "processor supports it, twice as fast; float32 is exact",
    )


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what parses whole numbers from `least` to `most`."""

    def number(argument: str) -> int:
        found = int(argument) if argument.isdecimal() else -1
        if found < least or (most is not None and found > most):
            allowed = f"{least}, {least + 1}, …" if most is None else f"{least} to {most}"
            raise argparse.ArgumentTypeError(f"found {argument!r}; allowed: {allowed}")
        return found

    return number
