"""Run the outdated stages with DVC, as many in parallel as there are cores."""

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

from rich.console import Group
from rich.live import Live
from rich.text import Text

from autoencoders import files, threads
from autoencoders.errors import UserError
from autoencoders.running import preloaded
from autoencoders.running.dvc_state import read_state
from autoencoders.running.schedule import Schedule, format_duration

LOCK = Path(".dvc/tmp/autoencoders.lock")
BUSY = (
    "another `autoencoders repro` (or `make repro`) runs in this repository: wait for its end, or "
    "stop it with Ctrl-C"
)
POLL_SECONDS = 0.1  # between two checks of the running stages
ERROR_PREFIXES = ("error: ", "ERROR: ")  # ours, DVC's
NOTE_PREFIXES = ("warning: ", "left out: ", "champion: ")


@dataclass
class RunningStage:
    """A stage that DVC runs: its name, process, output file and start."""

    name: str
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    @property
    def lines(self) -> list[str]:
        """Return the lines printed until now, without empty ones."""
        file = self.output.fileno()
        # Unlike `read`, this does not move the stage's write position.
        content = os.pread(file, os.fstat(file).st_size, 0)
        lines = content.decode("utf-8", "backslashreplace").split("\n")
        return [line.rstrip() for line in lines if line.strip()]

    @property
    def summary(self) -> str:
        """Return the stage's summary line, or its name if it has printed none."""
        summaries = [line for line in self.lines if line.startswith(f"{self.name}: ")]
        return summaries[-1] if summaries else self.name

    @property
    def reasons(self) -> list[str]:
        """Return the stage's error messages, else DVC's, else the last line."""
        for prefix in ERROR_PREFIXES:
            errors = [line.removeprefix(prefix) for line in self.lines if line.startswith(prefix)]
            if errors:
                return errors
        return self.lines[-1:]


def run(targets: Sequence[str], core_counts: Mapping[str, int], jobs: int) -> Iterator[str]:
    """Run the outdated stages; yield a line for each one that ends, and a last line.

    Args:
        targets: stages, which are run together with their dependencies; empty for all stages.
        core_counts: the number of cores of each stage that uses more than one.
        jobs: the total number of cores to use.

    Raises:
        UserError: a target is unknown, stages have failed, or another `autoencoders repro` runs.
    """
    with files.exclusive(LOCK, BUSY):
        state = read_state(targets)
        if not state.to_run:
            yield f"nothing to do: all {len(state.up_to_date)} stages are up to date"
            return
        started = time.monotonic()
        schedule = Schedule(state.to_run, core_counts, jobs)
        live = Live(transient=True) if sys.stdout.isatty() else None
        with _environments() as environment, live or nullcontext():
            yield from _run_all(schedule, environment, live)
    if schedule.failed:
        raise UserError(_describe_failures(schedule))
    yield f"all requested stages are up to date after {format_duration(time.monotonic() - started)}"


def _run_all(
    schedule: Schedule, environment: Callable[[int], dict[str, str]], live: Live | None
) -> Iterator[str]:
    started = time.monotonic()
    running: list[RunningStage] = []
    with _terminating(running):
        while True:
            for name in schedule.start():
                running.append(_start(name, environment(schedule.core_counts[name])))
            if not running:
                return
            if live:
                live.update(_live_lines(schedule.progress(time.monotonic() - started), running))
            time.sleep(POLL_SECONDS)
            for stage in [stage for stage in running if stage.process.poll() is not None]:
                running.remove(stage)
                succeeded = stage.process.returncode == 0
                schedule.end(stage.name, succeeded)
                with stage.output:
                    overall = "" if live else f"{schedule.progress(time.monotonic() - started)}. "
                    yield from _report(stage, succeeded, overall)


def _live_lines(overall: str, running: Sequence[RunningStage]) -> Group:
    """Return the overall progress, and the last line of each running stage, for a terminal."""
    last = [Text(f"  {stage.lines[-1]}") for stage in running if stage.lines]
    lines = [Text(overall, "bold"), *last]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _report(stage: RunningStage, succeeded: bool, overall: str) -> Iterator[str]:
    yield from (f"{stage.name}: {line}" for line in stage.lines if line.startswith(NOTE_PREFIXES))
    if succeeded:
        yield f"{overall}{stage.summary} ({format_duration(stage.seconds)})"
    else:
        yield f"{overall}{stage.name} FAILED: {'; '.join(stage.reasons)}"


def _start(name: str, environment: Mapping[str, str]) -> RunningStage:
    """Start one stage with DVC, in a new process group."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 - stays open until the stage ends
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
def _terminating(running: list[RunningStage]) -> Iterator[None]:
    """When the body raises, end the running stages with Ctrl-C's signal and wait for them."""
    try:
        yield
    except BaseException:
        for stage in running:
            with suppress(ProcessLookupError):
                os.killpg(stage.process.pid, signal.SIGINT)
        for stage in running:
            stage.process.wait()
        raise


@contextmanager
def _environments() -> Iterator[Callable[[int], dict[str, str]]]:
    """Yield a function from a number of threads to the environment of a stage that starts now.

    One preloaded process serves all stages; it starts with the first stage that needs it. A stage
    whose threads spin imports the libraries itself, because they read this setting when imported.
    """
    with ExitStack() as stack:
        address = cache(lambda: stack.enter_context(_preloaded()))

        def environment(thread_count: int) -> dict[str, str]:
            waiting = threads.wait_variables(thread_count)
            if not preloaded.SUPPORTED or waiting == threads.SPIN:
                return os.environ | waiting
            return os.environ | waiting | {preloaded.ADDRESS: address()}

        yield environment


@contextmanager
def _preloaded() -> Iterator[str]:
    """Start a process that imports the libraries; yield its address, and end it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        address = os.path.join(folder, "socket")  # noqa: PTH118 - a string is needed
        server = subprocess.Popen(
            [sys.executable, "-m", preloaded.__name__, "serve", address],
            env=os.environ | threads.wait_variables(1),
            stdin=subprocess.PIPE,  # closes if this process is killed, which ends the server
            process_group=0,
        )
        try:
            yield address
        finally:
            server.terminate()
            server.wait()


def _describe_failures(schedule: Schedule) -> str:
    failed = ", ".join(schedule.failed)
    waiting = len(schedule.waiting)
    skipped = f"; dependent stages that did not run: {waiting}" if waiting else ""
    return (
        f"{len(schedule.failed)} of {len(schedule.core_counts)} stages failed: {failed}{skipped}; "
        "fix the errors above, then run the same command again"
    )
