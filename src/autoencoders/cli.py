"""The command line: what is common to all commands."""

import argparse
import difflib
import gc
import importlib
import io
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from types import FrameType, ModuleType

from autoencoders import checkout, commands, paths, pipeline, threads
from autoencoders.errors import UserError
from autoencoders.images.file_names import printable
from autoencoders.running import preloaded

# The modules in `commands`, and what --help says of them; the others are stages.
COMMANDS = {
    "add": "copy example variants into params.yaml",
    "apply": "put image files through a trained variant",
    "check": "validate params.yaml and run nothing",
    "encode": "write the latents of image files into a table",
    "repro": "run what is not up to date, as `dvc repro` does, stages side by side",
    "sample": "write new images that a trained variant makes up",
    "serve": "serve a trained variant as a page, and by HTTP",
    "sources": "list the code that each stage depends on",
    "track": "upload what the MLflow server missed",
}
STAGES = {
    stage.name: f"run the stage {stage.name}, tracked" for stage in pipeline.STAGES if stage.tracked
}

FEW_COLLECTIONS = 100_000  # new objects between two searches for garbage
TOGETHER = 1.0  # seconds in which signals are one: more of them would break into what is cleared up
BY_SIGNAL = 128  # what shells add to a signal's number for the exit code
SIGPIPE = 13  # who reads what is printed has gone


class Ended(KeyboardInterrupt):
    """A polite signal or Ctrl-C: everything is left in order."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    if arguments is None and (code := preloaded.delegate("autoencoders", sys.argv[1:])) is not None:
        return code
    try:
        _set_process_up()
        own = checkout.main_of_repository()
        return own(arguments) if own else _run(sys.argv[1:] if arguments is None else arguments)
    except UserError as error:
        return _complain(pipeline.message_with_advice(error))
    except KeyboardInterrupt as interruption:
        commands.ignore_signals()
        print("interrupted: nothing half-written is left", file=sys.stderr)
        return BY_SIGNAL + getattr(interruption, "number", signal.SIGINT)


def _run(arguments: Sequence[str]) -> int:
    try:
        options = _parse(arguments)
        os.chdir(paths.repository_root())
        for line in options.run(options):
            print(line, flush=True)
    except UserError:
        raise
    except BrokenPipeError:
        _close_stdout()
        return BY_SIGNAL + SIGPIPE
    except Exception as error:
        if "--debug" in arguments:
            raise
        _close_stdout()
        return _complain(_as_one_line(error))
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed options, with the `run` of the command that is called.

    Of all commands, its module alone is imported: torch takes seconds.
    """
    parser = commands.Parser(
        prog="autoencoders",
        description="Stages of the pipeline, each as `dvc repro` runs it, and tools beside it.",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a fault")
    version = f"%(prog)s {metadata.version('autoencoders')}"
    parser.add_argument("--version", action="version", version=version, help="print the version")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    called = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in (STAGES | COMMANDS).items():
        command = subparsers.add_parser(name, help=summary)
        if name == called:
            module = _module(name)
            if hasattr(module, "add_arguments"):
                module.add_arguments(command)
            command.set_defaults(run=module.run)
    if called is not None and called not in subparsers.choices:
        close = difflib.get_close_matches(called, subparsers.choices, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        parser.error(f"no command is called {called!r}{meant}")
    return parser.parse_args(arguments)


def _module(command: str) -> ModuleType:
    """Set how libraries compute, then import the module that runs a command."""
    if command in STAGES or command == "repro":
        os.environ.update(threads.SINGLE_THREAD)  # a training then uses what params.yaml gives it
    if command != "repro":  # which sets it for each stage
        # The number of threads is known only after torch is imported: assume all cores.
        alone = command == "train" and "LOCAL_WORLD_SIZE" not in os.environ  # torchrun's
        os.environ.update(threads.wait_variables(threads.available_cores() if alone else 1))
    name = "stage" if command in STAGES else command
    return importlib.import_module(f"{commands.__name__}.{name}")


def _complain(lines: str) -> int:
    for line in lines.splitlines():
        print(f"error: {line}", file=sys.stderr)
    return 1


def _close_stdout() -> None:
    """Let Python end without a word where what was printed cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123


def _as_one_line(error: Exception) -> str:
    """Say what went wrong: the machine's files and memory in the user's words, all else is ours."""
    if isinstance(error, OSError):
        where = f"{printable(str(error.filename))}: " if error.filename else ""
        # NumPy counts bytes where the system would say that the disk is full.
        return f"{where}{error.strerror or f'{error.args[0]}: is the disk full?'}"
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, MemoryError) or "allocate memory" in reason:  # NumPy's, and torch's
        return f"the memory is too small ({reason}): smaller or fewer images, or smaller batches"
    return f"a fault of ours ({reason}); --debug shows where"


def _set_process_up() -> None:
    # Imports make objects that stay: searching them for garbage takes a fifth of the start.
    gc.set_threshold(FEW_COLLECTIONS)
    # MLflow's telemetry starts when it is imported, here or in a stage.
    os.environ.setdefault("DO_NOT_TRACK", "true")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # files may have any name
    end = _handler()
    for number in (signal.SIGINT, *commands.END_SIGNALS):
        # Else `nohup` or a test has its own way.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)


def _handler() -> Callable[[int, FrameType | None], None]:
    """Return a handler of signals that raises `Ended`."""
    last = -math.inf

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > TOGETHER:
            last = now
            raise Ended(number)

    return end
