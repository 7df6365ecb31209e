"""Kill stages at random moments and run them again; the outputs must have the same bits."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from autoencoders.pipeline import Item
from tests.faults.case import TEMPORARY
from tests.faults.worlds import ITEMS, snapshot

SEED = 12
SECONDS = 300
ATTEMPTS, EARLIER = 10, 0.95
STAGES = [item for item in ITEMS if item.variant != "conv"]  # each stage once
SIGNALS = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGKILL) * 3,
    *(signal.SIGHUP, signal.SIGKILL),
)
LONG = ("classify", "train", "evaluate", "figures")
DVC_ITEMS = [item for item in STAGES for _ in range(1 + (item.stage in LONG))]
# While Python starts, our code cannot catch a signal; on a busy machine the time varies.
STARTING = (sys.executable, "-c", "")
SLOWER = 2


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        item: the stage to kill.
        dvc: `dvc repro` runs it, and both are killed.
        signal: the signal.
        moment: the time of the kill, as a share of the undisturbed time, including imports.
        before: whether outputs of an earlier run exist.
    """

    item: Item
    dvc: bool
    signal: signal.Signals
    moment: float
    before: bool

    @property
    def command(self) -> tuple[str, ...]:
        if self.dvc:
            return "dvc", "repro", "--no-run-cache", "--force", "--single-item", self.item.name
        return self.item.command


@dataclass(frozen=True)
class Ended:
    """The end of a killed command: the seconds before the kill, exit code, standard error."""

    seconds: float
    code: int
    err: str


def random_kills() -> list[Kill]:
    """Return the hundred kills: one in each eleventh of the duration of each stage."""
    rng = random.Random(SEED)
    kills = []
    for item in STAGES:
        order = rng.sample(range(len(SIGNALS)), len(SIGNALS))
        for part, number in zip(order, SIGNALS, strict=True):
            moment = (part + rng.random()) / len(SIGNALS)
            kills.append(Kill(item, False, number, moment, rng.random() < 0.5))
    for item, number in zip(DVC_ITEMS, SIGNALS * 2, strict=False):
        kills.append(Kill(item, True, number, rng.random(), True))
    return kills


class Killing:
    """A repository in which stages are killed; it must contain all outputs of the pipeline."""

    def __init__(self, repository: Path, environment: dict[str, str]) -> None:
        self.repository = repository
        self.scratch = repository.with_name(f"{repository.name}.tmp")
        self.scratch.mkdir(exist_ok=True)
        self.environment = environment | {
            "PYTHONPATH": str(repository / "src"),
            "TMPDIR": str(self.scratch),
        }
        self.database = environment["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///")
        self.expected = snapshot(repository)
        self.durations: dict[tuple[str, ...], float] = {}

    def duration(self, command: tuple[str, ...]) -> float:
        """Return the seconds of an undisturbed run, measured once."""
        if command not in self.durations:
            started = time.monotonic()
            self._run(command)
            self.durations[command] = time.monotonic() - started
        return self.durations[command]

    def kill(self, kill: Kill) -> tuple[Ended, list[str]]:
        """Kill a stage and run it again; return the end of the killed one, and all faults."""
        duration = self.duration(kill.command)
        if not kill.before:
            self._remove_outputs(kill.item)
        ended = self._end(kill, duration)
        faults = [*self._faults_of_the_end(kill, ended), *self._half_written()]
        if kill.signal != signal.SIGKILL:
            faults += self._left_behind()
        code, err = self._run(kill.command)
        if code:
            faults.append(f"the second run fails: {err.splitlines()[-1:]}")
        return ended, [*faults, *self._faults_of_the_second_run(kill)]

    def _start(self, command: Sequence[str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=self.repository,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_reset_signals,
        )

    def _run(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a command undisturbed; return its exit code and standard error."""
        process = self._start(command)
        _, err = process.communicate(timeout=SECONDS)
        return process.returncode, err

    def _end(self, kill: Kill, duration: float) -> Ended:
        """Start a stage and kill it; try again with a shorter time if it ends before the kill."""
        for _ in range(ATTEMPTS):
            seconds, started = kill.moment * duration, time.monotonic()
            process = self._start(kill.command)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=seconds)
            if process.poll() is None:
                if kill.dvc:
                    os.killpg(process.pid, kill.signal)
                else:
                    process.send_signal(kill.signal)
            _, err = process.communicate(timeout=SECONDS)
            if process.returncode:
                break
            duration = EARLIER * min(duration, time.monotonic() - started)
        return Ended(seconds, process.returncode, err)

    def _remove_outputs(self, item: Item) -> None:
        for path in (self.repository / output for output in item.outputs):
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)

    def _faults_of_the_end(self, kill: Kill, ended: Ended) -> Iterator[str]:
        """Yield the faults in the end of a killed command."""
        lines = [line for line in ended.err.splitlines() if line.startswith("interrupted: ")]
        early = ended.seconds < SLOWER * self.duration(STARTING)
        for fault in ("Traceback", "internal error ("):
            if fault in ended.err and not early:
                yield f"prints {fault!r}"
        if not ended.code:
            yield f"exit code 0 after {kill.signal.name}"
        if kill.signal == signal.SIGKILL or kill.dvc:
            return
        expected = 128 + kill.signal
        if ended.code not in (expected, -kill.signal):
            yield f"exit code {ended.code} instead of {expected}"
        if ended.code == expected and len(lines) != 1:
            yield f"{len(lines)} lines `interrupted: …` instead of 1"

    def _half_written(self) -> Iterator[str]:
        """Yield the existing outputs that have other bits than expected."""
        for path, digest in snapshot(self.repository).items():
            if path in self.expected and digest != self.expected[path]:
                yield f"half-written: {path}"

    def _left_behind(self) -> list[str]:
        """Return the temporary files that exist."""
        inside = [path for path in snapshot(self.repository) if _is_temporary(path)]
        outside = [path.name for path in self.scratch.iterdir()]
        files = [
            name for name in outside if not name.startswith("torchinductor_")
        ]  # cache of PyTorch
        return [f"left behind: {path}" for path in inside + files]

    def _faults_of_the_second_run(self, kill: Kill) -> Iterator[str]:
        now = snapshot(self.repository)
        for path in sorted(now | self.expected):
            if now.get(path) != self.expected.get(path):
                yield f"other bits: {path}"
        if kill.signal == signal.SIGKILL:  # after it nothing removes files outside the repository
            shutil.rmtree(self.scratch)
            self.scratch.mkdir()
        yield from self._left_behind()
        with closing(sqlite3.connect(self.database)) as database:
            (running,) = database.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'")
        if running[0]:
            yield f"{running[0]} runs still have the status RUNNING in MLflow"


def _reset_signals() -> None:
    """Reset ignored signals: processes inherit them from `nohup` and background jobs."""
    for number in set(SIGNALS) - {signal.SIGKILL}:
        signal.signal(number, signal.SIG_DFL)


def _is_temporary(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in (*TEMPORARY, "checkpoints/*"))
