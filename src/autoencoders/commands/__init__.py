"""The commands, one module each. `cli.py` lists their names and imports only the called one.

`run(options)` runs the command and yields the lines to print. A command with arguments also has
`add_arguments(parser)`. Relative paths count from the user's current folder: the parser makes them
absolute before the command changes to the repository root.
"""

import argparse
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

# Sent by `kill`, by a scheduler, or when the terminal closes. Windows does not have all of them.
END_SIGNALS = tuple(getattr(signal, s) for s in ("SIGTERM", "SIGHUP") if hasattr(signal, s))


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the arguments and exit with code 2."""
        self.exit(2, f"error: {message}; see `{self.prog} --help`\n")


def ignore_signals() -> None:
    """Ignore further signals, which would print a traceback while Python ends."""
    for number in (signal.SIGINT, *END_SIGNALS):
        signal.signal(number, signal.SIG_IGN)


def absolute_path(argument: str) -> Path:
    """Return an argument as an absolute path; links are not resolved."""
    if not argument:  # would be the current folder
        raise argparse.ArgumentTypeError("found ''; allowed: a path")
    return Path(argument).absolute()


def add_network(parser: argparse._ActionsContainer, **options: Any) -> None:
    """Add the argument that names a trained network, as `variant`."""
    parser.add_argument(
        "variant",
        metavar="NETWORK",
        help="a name of `autoencoders models` such as mnist_vae, or <dataset>/<variant> of this "
        "repository",
        **options,
    )


def add_images(parser: argparse.ArgumentParser) -> argparse.Action:
    """Add the arguments of the commands on image files, IN… and --resize; return IN."""
    parser.add_argument(
        "--resize",
        action="store_true",
        help="crop each image to its central square and resample it to the trained size",
    )
    return parser.add_argument(
        "images",
        nargs="+",
        type=absolute_path,
        metavar="IN",
        help="image files, folders or patterns: the encoder's inputs",
    )


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add --precision."""
    parser.add_argument(
        "--precision",
        choices=("auto", "float32"),
        default="auto",
        help="auto (default): bfloat16, twice as fast, for images of 8 bits per channel if the "
        "processor supports it; float32: exact",
    )


def integer(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`, both included."""

    def parse(argument: str) -> int:
        number = int(argument) if argument.isdecimal() else -1
        if number < low or (high is not None and number > high):
            allowed = f"{low}, {low + 1}, …" if high is None else f"{low} to {high}"
            raise argparse.ArgumentTypeError(f"found {argument!r}; allowed: {allowed}")
        return number

    return parse
