"""The command line: arguments, exit codes, signals and error messages of all commands."""

import argparse
import gc
import importlib
import io
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType

from autoencoders import checkout, commands, limits, paths, pipeline, threads
from autoencoders.errors import UserError, nearest, without_password
from autoencoders.images.file_names import printable
from autoencoders.running import preloaded

VERSION = "0.1.0"  # of the package: pyproject.toml reads it here, and a start needs no metadata
# The modules in `commands` with their summaries for --help. All other commands are stages.
COMMANDS = {
    "add": "copy example variants into params.yaml",
    "apply": "apply a trained network to image files",
    "check": "validate params.yaml; run no stage",
    "encode": "write the latents of image files to a table",
    "export": "write a trained variant, or its encoder or decoder, to an ONNX file",
    "models": "list the trained networks, or show the card of one",
    "page": "write a page on which networks run in the visitor's browser",
    "release": "write a trained variant into the package as a ready network",
    "repro": "run the outdated stages in parallel, with the same results as `dvc repro`",
    "sample": "generate new images with a trained network",
    "seeds": "train variants with several seeds; measure how much the results vary",
    "serve": "serve a trained network as a web page and over HTTP",
    "sources": "list the source files that each stage depends on",
    "sweep": "compare many settings of one variant",
    "track": "upload to MLflow the results that it does not have yet",
}
# Commands that also work outside a repository, with ready networks.
ANYWHERE = {"apply", "encode", "models", "page", "sample", "serve"}
STAGES = {
    stage.name: f"run the stage {stage.name} and track it in MLflow"
    for stage in pipeline.STAGES
    if stage.tracked
}

GC_THRESHOLD = 100_000  # new objects between two garbage collections
SIGNAL_INTERVAL = 1.0  # seconds; further signals within it would interrupt the cleanup
SIGNAL_EXIT_CODE = 128  # shells add the signal's number
SIGPIPE = 13  # the reader of standard output has ended

# The signals that have ended a command; libraries such as Ray replace the raised exception.
_received: list[int] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. `arguments` are those of the process by default."""
    if arguments is None and (code := preloaded.delegate("autoencoders", sys.argv[1:])) is not None:
        return code
    _received.clear()
    try:
        _set_up_process()
        own = checkout.main_of_repository()
        return own(arguments) if own else _run(sys.argv[1:] if arguments is None else arguments)
    except UserError as error:
        return _print_errors(pipeline.message_with_advice(error))
    except KeyboardInterrupt:
        commands.ignore_signals()
        print("interrupted: no incomplete file is left", file=sys.stderr)
        return SIGNAL_EXIT_CODE + (_received.pop() if _received else signal.SIGINT)


def _run(arguments: Sequence[str]) -> int:
    try:
        paths.current_folder()  # without one, oneMKL ends the process when torch is imported
        options = _parse(arguments)
        try:
            os.chdir(paths.repository_root())
        except UserError:
            if options.command not in ANYWHERE:
                raise
        for line in options.run(options):
            print(line, flush=True)
    except UserError:
        raise
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package == __package__ or "--debug" in arguments:
            raise
        return _print_errors(
            f"{package} is missing, which the base installation does not contain: run "
            "`make setup`, or `pip install '.[pipeline]'`, in a clone of the repository"
        )
    except BrokenPipeError:
        _close_stdout()
        return SIGNAL_EXIT_CODE + SIGPIPE
    except Exception as error:
        if "--debug" in arguments:
            raise
        _close_stdout()
        return _print_errors(_describe(error))
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed options; their `run` is the function of the called command.

    Only the module of this command is imported, because importing torch takes seconds.
    """
    parser = commands.Parser(
        prog="autoencoders",
        description="The stages of the pipeline, as `dvc repro` runs them, and other tools.",
    )
    parser.add_argument(
        "--debug", action="store_true", help="show the traceback of an internal error"
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {VERSION}", help="print the version"
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    called = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in (STAGES | COMMANDS).items():
        command = subparsers.add_parser(name, help=summary, description=summary)
        if name == called:
            module = _module(name)
            if hasattr(module, "add_arguments"):
                module.add_arguments(command)
            command.set_defaults(run=module.run)
    if called is not None and called not in subparsers.choices:
        parser.error(f"found the command {called!r}{nearest(called, subparsers.choices)}")
    return parser.parse_args(arguments)


def _module(command: str) -> ModuleType:
    """Set the number of threads of the libraries, then import the module of a command."""
    if command in STAGES or command == "repro":
        os.environ.update(threads.SINGLE_THREAD)  # a training sets its own number from params.yaml
    if command != "repro":  # `repro` sets these variables for each stage
        # The number of threads is known only after torch is imported: assume all cores.
        alone = command == "train" and "LOCAL_WORLD_SIZE" not in os.environ  # torchrun's
        os.environ.update(threads.wait_variables(limits.available_cores() if alone else 1))
    name = "stage" if command in STAGES else command
    return importlib.import_module(f"{commands.__name__}.{name}")


def _print_errors(lines: str) -> int:
    """Print error messages, one a line; return the exit code."""
    for line in without_password(lines).splitlines():
        print(f"error: {line}", file=sys.stderr)
    return 1


def _close_stdout() -> None:
    """Prevent a second error message at exit when standard output cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123


def _describe(error: Exception) -> str:
    """Return an unexpected exception as one line: about a file, memory or the program."""
    if isinstance(error, OSError):
        path = f"{printable(str(error.filename))}: " if error.filename else ""
        # When the disk is full, NumPy's message only counts the bytes that it wrote.
        return f"{path}{error.strerror or f'{error.args[0]}: is the disk full?'}"
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, MemoryError) or "allocate memory" in reason:  # torch's
        return f"not enough memory ({reason}): use fewer or smaller images, or smaller batches"
    return f"internal error ({reason}): run again with --debug for the traceback"


def _set_up_process() -> None:
    # Imports create many permanent objects; collecting garbage takes a fifth of the start time.
    gc.set_threshold(GC_THRESHOLD)
    # MLflow's telemetry would start when MLflow is imported.
    os.environ.setdefault("DO_NOT_TRACK", "true")
    # scikit-learn's joblib would warn on a full disk; nothing here uses its processes.
    os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for file names of any bytes
    handler = _signal_handler()
    for number in (signal.SIGINT, *commands.END_SIGNALS):
        # Do not change signals that `nohup` ignores or a test handles.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, handler)


def _signal_handler() -> Callable[[int, FrameType | None], None]:
    """Return a handler that raises `KeyboardInterrupt`, at most once in `SIGNAL_INTERVAL` s."""
    last = -math.inf

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > SIGNAL_INTERVAL:
            last = now
            _received.append(number)
            raise KeyboardInterrupt

    return end
