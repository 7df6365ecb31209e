"""Try every bad input and every kill; write the results into reports/faults.md."""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from tests.faults import kills
from tests.faults.bad import CASES
from tests.faults.case import Case, Outcome, complaints
from tests.faults.kills import Ended, Kill, Killing
from tests.faults.worlds import Worlds, remove
from tests.saved import ROOT

PAGE = ROOT / "reports" / "faults.md"
WIDTH = 160  # characters of a cell

INTRODUCTION = """\
# Faults tried

`make faults` writes this page. It tries {inputs} bad inputs on copies of a small repository and
kills stages at {kills} random moments. A bad input must give one line for each mistake and an exit
code other than 0. There must be no traceback, and no file may be lost or half-written. Where the
work can continue, there must be a warning. A killed stage that runs again must end with the same
bits as an undisturbed one and leave no temporary file. This run took {minutes:.0f} minutes on
{cores} cores. All inputs are in `tests/faults/`; `make test` tries a part of them.

| kind | tried | as expected |
|---|---|---|
"""
HEAD = "| input | message | verdict |\n|---|---|---|"


@dataclass(frozen=True)
class Result:
    """One row of the page.

    Attributes:
        kind: the kind of the input, or `kills`.
        name: the input or the kill, in words.
        message: the first line that the command printed, or its exit code.
        faults: the differences from what is expected.
    """

    kind: str
    name: str
    message: str
    faults: list[str]

    def row(self) -> str:
        verdict = "; ".join(self.faults) or "as expected"
        cells = (self.name, self.message, verdict)
        return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def main() -> int:
    """Try all; return the number of results that are not as expected, at most 100."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults.") as folder, ProcessPoolExecutor() as pool:
        attempts = (_inputs, _kills)  # side by side
        parts = [pool.submit(_results, one, Path(folder, one.__name__)) for one in attempts]
        results = [result for part in parts for result in part.result()]
    _write(results, (time.monotonic() - started) / 60)
    failed = [result for result in results if result.faults]
    print(f"{len(results)} tried, {len(failed)} not as expected: see {PAGE}")
    return min(len(failed), 100)


def _results(attempt: Callable[[Worlds], Iterable[Result]], folder: Path) -> list[Result]:
    worlds = Worlds(folder)
    try:
        return [*attempt(worlds)]
    finally:
        worlds.close()


def _inputs(worlds: Worlds) -> Iterable[Result]:
    for number, case in enumerate(CASES):
        world = worlds.folder / f"try {number}"
        outcome = worlds.attempt(case, world)
        remove(world)
        message = _first_line(case, outcome, world)
        result = Result(case.kind, case.name, message, complaints(case, outcome))
        print(result.row(), flush=True)
        yield result


def _kills(worlds: Worlds) -> Iterable[Result]:
    killing = Killing(worlds.repository, worlds.environment)
    for kill in kills.random_kills():
        ended, faults = killing.kill(kill)
        result = Result("kills", _name(kill, ended, killing), _ending(ended), faults)
        print(result.row(), flush=True)
        yield result


def _first_line(case: Case, outcome: Outcome, world: Path) -> str:
    lines = outcome.lines("error") or outcome.lines("warning") or [f"exit code {outcome.code}"]
    return lines[0].replace(str(world), "…")


def _name(kill: Kill, ended: Ended, killing: Killing) -> str:
    command = f"`{'dvc repro' if kill.dvc else 'autoencoders'}` {kill.item.name}"
    moment = f"{ended.seconds:.2f} of {killing.duration(kill.command):.2f} s"
    return f"{command}, {kill.signal.name} after {moment}"


def _ending(ended: Ended) -> str:
    lines = [line for line in ended.err.splitlines() if line.startswith("interrupted: ")]
    return "; ".join([*lines, f"exit code {ended.code}"])


def _write(results: list[Result], minutes: float) -> None:
    tried = Counter(result.kind for result in results)
    sound = Counter(result.kind for result in results if not result.faults)
    introduction = INTRODUCTION.format(
        inputs=len(CASES), kills=tried["kills"], minutes=minutes, cores=os.cpu_count()
    )
    lines = [introduction.rstrip("\n")]
    lines += [f"| {kind} | {tried[kind]} | {sound[kind]} |" for kind in tried]
    lines += [f"| all | {tried.total()} | {sound.total()} |"]
    for kind in tried:
        lines += ["", f"## {kind.capitalize()}", "", HEAD]
        lines += [result.row() for result in results if result.kind == kind]
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")


def _cell(text: str) -> str:
    """Return text that is safe in a cell of a Markdown table."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shorten(line, WIDTH, placeholder=" …").replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
