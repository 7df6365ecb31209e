"""The commands, one module each. `cli.py` lists their names and imports only the called one.

`run(options)` runs the command and yields the lines to print. A command with arguments also has
`add_arguments(parser)`. Relative paths count from the user's current folder: the parser makes them
absolute before the command changes to the repository root.
"""

import argparse
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

# What ends a process politely: `kill`, a scheduler, a terminal that is closed (not on Windows).
END_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are a line, as all others are."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end."""
        self.exit(2, f"error: {message}; `{self.prog} --help` says what is allowed\n")


def ignore_signals() -> None:
    """Let no signal be a traceback while Python ends."""
    for number in (signal.SIGINT, *END_SIGNALS):
        signal.signal(number, signal.SIG_IGN)


def absolute_path(argument: str) -> Path:
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
        type=absolute_path,
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


def whole_number(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Return what parses whole numbers from `minimum` to `maximum`."""

    def number(argument: str) -> int:
        found = int(argument) if argument.isdecimal() else -1
        if found < minimum or (maximum is not None and found > maximum):
            allowed = (
                f"{minimum}, {minimum + 1}, …" if maximum is None else f"{minimum} to {maximum}"
            )
            raise argparse.ArgumentTypeError(f"found {argument!r}; allowed: {allowed}")
        return found

    return number
