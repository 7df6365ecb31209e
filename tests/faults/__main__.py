"""Try every bad input and every kill, and write what came of each into docs/faults.md."""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from tests.faults import kills
from tests.faults.bad import CASES
from tests.faults.case import Case, Outcome, complaints
from tests.faults.kills import Ended, Kill, Killing
from tests.faults.worlds import Worlds, remove
from tests.saved import ROOT

PAGE = ROOT / "docs" / "faults.md"
WIDTH = 160  # of what is quoted

INTRODUCTION = """\
# What has been done to it

`make faults` spoils copies of a small repository in {inputs} ways, kills stages at {kills} random
moments, and writes this page. A bad input must be one clear line for each mistake, an exit code
that is not 0, no traceback, and nothing lost or half-written; where the work can go on it must,
after a warning. A stage that was killed and is run again must end with the same bits as one that
nothing disturbed, and leave no temporary file. The last run took {minutes:.0f} minutes on {cores}
cores. `tests/faults/` has all inputs, and `make test` tries a part of them.

| | tried | as it should be |
|---|---|---|
"""
HEAD = "| what was bad | what was said | verdict |\n|---|---|---|"


@dataclass(frozen=True)
class Tried:
    """One line of the page."""

    kind: str
    name: str
    came: str
    wrong: list[str]

    def row(self) -> str:
        verdict = "; ".join(self.wrong) or "as it should be"
        cells = (self.name, self.came, verdict)
        return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def main() -> int:
    """Try all; return how many went wrong, at most as many as an exit code can say."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults.") as folder:
        worlds = Worlds(Path(folder))
        tried = [*_inputs(worlds), *_kills(worlds)]
    _write(tried, (time.monotonic() - started) / 60)
    wrong = [one for one in tried if one.wrong]
    print(f"{len(tried)} tried, {len(wrong)} not as they should be: see {PAGE}")
    return min(len(wrong), 100)


def _inputs(worlds: Worlds) -> Iterable[Tried]:
    for number, case in enumerate(CASES):
        world = worlds.folder / f"try {number}"
        outcome = worlds.attempt(case, world)
        remove(world)
        one = Tried(case.kind, case.name, _said(case, outcome, world), complaints(case, outcome))
        print(one.row(), flush=True)
        yield one


def _kills(worlds: Worlds) -> Iterable[Tried]:
    killing = Killing(worlds.repository, worlds.environment)
    for kill in kills.drawn():
        ended, wrong = killing.kill(kill)
        one = Tried("kills", _named(kill, ended, killing), _came(ended), wrong)
        print(one.row(), flush=True)
        yield one


def _said(case: Case, outcome: Outcome, world: Path) -> str:
    lines = outcome.lines("error") or outcome.lines("warning") or [f"exit code {outcome.code}"]
    return lines[0].replace(str(world), "…")


def _named(kill: Kill, ended: Ended, killing: Killing) -> str:
    what = f"`{'dvc repro' if kill.dvc else 'autoencoders'}` {kill.item.name}"
    when = f"{ended.seconds:.2f} of {killing.duration(kill.command):.2f} s"
    return f"{what}, {kill.signal.name} after {when}"


def _came(ended: Ended) -> str:
    said = [line for line in ended.err.splitlines() if line.startswith("interrupted: ")]
    return "; ".join([*said, f"exit code {ended.code}"])


def _write(tried: list[Tried], minutes: float) -> None:
    counted = Counter(one.kind for one in tried)
    sound = Counter(one.kind for one in tried if not one.wrong)
    lines = [
        INTRODUCTION.format(
            inputs=len(CASES),
            kills=counted["kills"],
            minutes=minutes,
            cores=os.cpu_count(),
        ).rstrip("\n")
    ]
    lines += [f"| {kind} | {counted[kind]} | {sound[kind]} |" for kind in counted]
    lines += [f"| all | {counted.total()} | {sound.total()} |"]
    for kind in counted:
        lines += ["", f"## {kind.capitalize()}", "", HEAD]
        lines += [one.row() for one in tried if one.kind == kind]
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")


def _cell(text: str) -> str:
    """Return text as it can stand in a cell of a table."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shorten(line, WIDTH, placeholder=" …").replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
