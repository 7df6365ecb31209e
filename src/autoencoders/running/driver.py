"""The stages that targets need, run by DVC, as many side by side as there are cores."""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from autoencoders.errors import UserError
from autoencoders.running import preloaded
from autoencoders.running.board import Board
from autoencoders.running.pace import Pace, in_words
from autoencoders.running.schedule import Schedule
from autoencoders.running.state import look
from autoencoders.tracking.store import MLFLOW_SETTINGS

LOCK = Path(".dvc/tmp/autoencoders.lock")
LOOK = 0.5  # seconds between two looks at what runs
ERRORS = ("error: ", "ERROR: ")  # of lines that say what is wrong: ours, or else DVC's
ASIDES = ("warning: ", "left out: ", "champion: ")


@dataclass
class Running:
    """A stage that DVC runs, what it has printed, and when it started."""

    name: str
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    rest: bytes = b""

    @property
    def seconds(self) -> float:
        """Return for how long it has run."""
        return time.monotonic() - self.started

    @property
    def printed(self) -> IO[bytes]:
        """Return the pipe that it prints to."""
        assert self.process.stdout is not None
        return self.process.stdout

    def read(self) -> bool:
        """Take in what was printed since; tell whether there may be more."""
        content = os.read(self.printed.fileno(), 2**16)
        *whole, self.rest = (self.rest + content).split(b"\n")
        self.lines += [line.decode("utf-8", "backslashreplace").rstrip() for line in whole]
        return bool(content)

    @property
    def summary(self) -> str:
        """Return what the stage says of itself, or else its name alone."""
        said = [line for line in self.lines if line.startswith(f"{self.name}: ")]
        return said[-1] if said else self.name

    @property
    def reasons(self) -> list[str]:
        """Return what the stage says is wrong, or else what DVC does."""
        for mark in ERRORS:
            if said := [line.removeprefix(mark) for line in self.lines if line.startswith(mark)]:
                return said
        return self.lines[-1:]


def run(targets: Sequence[str], widths: Mapping[str, int], jobs: int) -> Iterator[str]:
    """Run what is outdated; yield a line for each stage that is done, and one for all.

    Args:
        targets: stages, which are run with all that they wait for; none stands for every stage.
        widths: how many cores a stage uses, where it is more than one.
        jobs: how many cores there are to be used.

    Raises:
        UserError: DVC does not know a target, stages have failed, or another process runs them.
    """
    with _alone():
        state = look(targets)
        todo = {name: before for name, before in state.upstream.items() if name in state.outdated}
        if not todo:
            yield f"nothing to do: all {len(state.upstream)} stages are up to date"
            return
        started = time.monotonic()
        schedule = Schedule(todo, widths, jobs)
        with _preloaded() as environment, Board() as board:
            yield from _run_all(schedule, environment, board)
    if schedule.failed:
        _complain(schedule)
    yield f"all that was asked for is up to date, after {in_words(time.monotonic() - started)}"


def _run_all(schedule: Schedule, environment: Mapping[str, str], board: Board) -> Iterator[str]:
    pace = Pace(schedule)
    running: list[Running] = []
    with selectors.DefaultSelector() as selector, _ended_together(running):
        while True:
            for name in schedule.start():
                running.append(Running(name, _start(name, environment)))
                selector.register(running[-1].printed, selectors.EVENT_READ, running[-1])
            if not running:
                return
            board.show(
                pace.line(_seconds(running)), [one.lines[-1] for one in running if one.lines]
            )
            for key, _ in selector.select(LOOK):
                one = key.data
                if one.read():
                    continue
                selector.unregister(key.fileobj)
                running.remove(one)
                succeeded = one.process.wait() == 0
                schedule.end(one.name, succeeded)
                pace.hear(one.name, one.seconds)
                yield from _said(one, succeeded, pace.line(_seconds(running)), board.live)


def _seconds(running: list[Running]) -> dict[str, float]:
    return {one.name: one.seconds for one in running}


def _said(one: Running, succeeded: bool, line: str, live: bool) -> Iterator[str]:
    yield from (f"{one.name}: {said}" for said in one.lines if said.startswith(ASIDES))
    overall = "" if live else f"{line}. "
    if succeeded:
        yield f"{overall}{one.summary} ({in_words(one.seconds)})"
    else:
        yield f"{overall}{one.name} FAILED: {'; '.join(one.reasons)}"


def _start(name: str, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Let DVC run one stage, in a process group of its own."""
    dvc = ["--wait-for-lock", "repro", "--single-item", name]
    return subprocess.Popen(
        [sys.executable, "-m", preloaded.__name__, *dvc],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )


@contextmanager
def _ended_together(running: list[Running]) -> Iterator[None]:
    """End what runs, as Ctrl-C does, when this process is told to end; then wait for it."""
    try:
        yield
    except BaseException:
        for one in running:
            with suppress(ProcessLookupError):
                os.killpg(one.process.pid, signal.SIGINT)
        for one in running:
            while one.read():
                pass
            one.process.wait()
        raise


@contextmanager
def _alone() -> Iterator[None]:
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(LOCK, timeout=0):
            yield
    except Timeout:
        raise UserError(
            "another `autoencoders repro` (or `make repro`) runs in this repository: let it end, "
            "or press Ctrl-C there"
        ) from None


@contextmanager
def _preloaded() -> Iterator[dict[str, str]]:
    """Yield the environment of the stages, in which the libraries are loaded once for all."""
    environment = {**MLFLOW_SETTINGS, **os.environ}
    if not preloaded.POSSIBLE:
        yield environment
        return
    with tempfile.TemporaryDirectory() as folder:
        address = os.path.join(folder, "socket")  # noqa: PTH118 - a string is what is passed on
        server = subprocess.Popen(
            [sys.executable, "-m", preloaded.__name__, "serve", address],
            env=environment,
            stdin=subprocess.PIPE,  # it ends when that does, should this process be killed
            process_group=0,
        )
        try:
            yield environment | {preloaded.ADDRESS: address}
        finally:
            server.terminate()
            server.wait()


def _complain(schedule: Schedule) -> None:
    failed = ", ".join(schedule.failed)
    behind = (
        f"; {len(schedule.waiting)} that wait for them were not run" if schedule.waiting else ""
    )
    raise UserError(
        f"{len(schedule.failed)} of {len(schedule.upstream)} stages failed, {failed}{behind}: "
        "when what they say is mended, the same command goes on"
    )
