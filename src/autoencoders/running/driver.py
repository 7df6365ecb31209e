"""The stages that targets need, run by DVC, as many side by side as there are cores."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout
from rich.console import Group
from rich.live import Live
from rich.text import Text

from autoencoders import threads
from autoencoders.errors import UserError
from autoencoders.running import preloaded
from autoencoders.running.dvc_state import read_state
from autoencoders.running.schedule import Schedule, format_duration

LOCK = Path(".dvc/tmp/autoencoders.lock")
LOOK = 0.1  # seconds between two looks at what runs
ERRORS = ("error: ", "ERROR: ")  # of lines that say what is wrong: ours, or else DVC's
ASIDES = ("warning: ", "left out: ", "champion: ")


@dataclass
class RunningStage:
    """A stage that DVC runs, the file that it prints to, and when it started."""

    name: str
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Return for how long it has run."""
        return time.monotonic() - self.started

    @property
    def lines(self) -> list[str]:
        """Return what it has printed."""
        file = self.output.fileno()
        content = os.pread(file, os.fstat(file).st_size, 0)  # the stage goes on writing at the end
        lines = content.decode("utf-8", "backslashreplace").split("\n")
        return [line.rstrip() for line in lines if line.strip()]

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


def run(targets: Sequence[str], core_counts: Mapping[str, int], jobs: int) -> Iterator[str]:
    """Run what is outdated; yield a line for each stage that is done, and one for all.

    Args:
        targets: stages, which are run with all that they wait for; none stands for every stage.
        core_counts: how many cores a stage uses, where it is more than one.
        jobs: how many cores there are to be used.

    Raises:
        UserError: DVC does not know a target, stages have failed, or another process runs them.
    """
    with _alone():
        state = read_state(targets)
        if not state.to_run:
            yield f"nothing to do: all {len(state.up_to_date)} stages are up to date"
            return
        started = time.monotonic()
        schedule = Schedule(state.to_run, core_counts, jobs)
        foot = Live(transient=True) if sys.stdout.isatty() else None
        with _environments() as environment, foot or nullcontext():
            yield from _run_all(schedule, environment, foot)
    if schedule.failed:
        _complain(schedule)
    yield f"all requested stages are up to date after {format_duration(time.monotonic() - started)}"


def _run_all(
    schedule: Schedule, environment: Callable[[int], dict[str, str]], foot: Live | None
) -> Iterator[str]:
    started = time.monotonic()
    running: list[RunningStage] = []
    with _ended_together(running):
        while True:
            for name in schedule.start():
                running.append(_start(name, environment(schedule.core_counts[name])))
            if not running:
                return
            if foot:
                foot.update(_shown(schedule.progress(time.monotonic() - started), running))
            time.sleep(LOOK)
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                succeeded = one.process.returncode == 0
                schedule.end(one.name, succeeded)
                with one.output:
                    overall = "" if foot else f"{schedule.progress(time.monotonic() - started)}. "
                    yield from _said(one, succeeded, overall)


def _shown(overall: str, running: Sequence[RunningStage]) -> Group:
    """Return the last lines of a terminal: how far all is, and the last of each stage that runs."""
    last = [Text(f"  {one.lines[-1]}") for one in running if one.lines]
    lines = [Text(overall, "bold"), *last]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _said(one: RunningStage, succeeded: bool, overall: str) -> Iterator[str]:
    yield from (f"{one.name}: {said}" for said in one.lines if said.startswith(ASIDES))
    if succeeded:
        yield f"{overall}{one.summary} ({format_duration(one.seconds)})"
    else:
        yield f"{overall}{one.name} FAILED: {'; '.join(one.reasons)}"


def _start(name: str, environment: Mapping[str, str]) -> RunningStage:
    """Let DVC run one stage, in a process group of its own."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 - read until the stage has ended
    dvc = ["--wait-for-lock", "repro", "--single-item", name]
    process = subprocess.Popen(
        [sys.executable, "-m", preloaded.__name__, *dvc],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    return RunningStage(name, process, output)


@contextmanager
def _ended_together(running: list[RunningStage]) -> Iterator[None]:
    """End what runs, as Ctrl-C does, when this process is told to end; then wait for it."""
    try:
        yield
    except BaseException:
        for one in running:
            with suppress(ProcessLookupError):
                os.killpg(one.process.pid, signal.SIGINT)
        for one in running:
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
def _environments() -> Iterator[Callable[[int], dict[str, str]]]:
    """Yield what returns the environment of a stage that starts now, by its number of threads.

    One preloaded process serves all stages; it starts with the first stage that needs it. A stage
    whose threads check for each other loads the libraries itself, as they read this setting then.
    """
    with ExitStack() as stack:
        address = cache(lambda: stack.enter_context(_preloaded()))

        def environment(width: int) -> dict[str, str]:
            waiting = threads.wait_variables(width)
            if not preloaded.SUPPORTED or waiting == threads.SPIN:
                return os.environ | waiting
            return os.environ | waiting | {preloaded.ADDRESS: address()}

        yield environment


@contextmanager
def _preloaded() -> Iterator[str]:
    """Yield the address of a process that has the libraries loaded."""
    with tempfile.TemporaryDirectory() as folder:
        address = os.path.join(folder, "socket")  # noqa: PTH118 - a string is what is passed on
        server = subprocess.Popen(
            [sys.executable, "-m", preloaded.__name__, "serve", address],
            env=os.environ | threads.wait_variables(1),
            stdin=subprocess.PIPE,  # it ends when that does, should this process be killed
            process_group=0,
        )
        try:
            yield address
        finally:
            server.terminate()
            server.wait()


def _complain(schedule: Schedule) -> None:
    failed = ", ".join(schedule.failed)
    behind = (
        f"; {len(schedule.waiting)} that wait for them were not run" if schedule.waiting else ""
    )
    raise UserError(
        f"{len(schedule.failed)} of {len(schedule.core_counts)} stages failed, {failed}{behind}: "
        "when what they say is mended, the same command goes on"
    )
