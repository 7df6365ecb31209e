"""A bad input, what must come of it, and what came of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

LONGEST_LINE = 900  # characters; a name may have 255, and a path is several
# What stages show beside errors and warnings: their epochs, where files came from, the banner.
BESIDE = re.compile(r"\S+: epoch \d+/\d+, |\w+: official files from |!!|$")
TEMPORARY = ("*.part", "*.part/*", "*/.*.old", "*/.*.old/*", "*.download.*")

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One bad input; by default a mistake that is refused in one line.

    Attributes:
        kind: params, files, folders, images, environment, arguments or commands.
        name: what is bad, in words.
        command: what is typed: `check`, or with `shell` a whole line of Bash.
        bad: makes a world bad, given its root.
        says: what the lines must say, in any case of letters: what is wrong and what to do.
        hides: what may not be said, such as a password.
        needs: which world it is tried in: see `worlds.py`.
        goes_on: the right outcome is no refusal, but a warning, and the work done.
        lines: how many errors, or where it goes on warnings; one for each mistake.
        warnings: how many warnings may stand beside the errors.
        ends_like: the world whose files must then lie there, bit for bit; any where it is "".
        changes: patterns of paths that may come, go or change.
        variables: of the environment; `{world}` and `{server}` are filled in.
        shell: it is a process of its own, as what is bad is a matter of processes.
    """

    kind: str
    name: str
    command: str
    bad: Change
    says: tuple[str, ...]
    hides: str = "Traceback"
    needs: str = "bare"
    goes_on: bool = False
    ends_like: str = ""
    lines: int = 1
    warnings: int = 0
    changes: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    shell: bool = False

    @property
    def id(self) -> str:
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True)
class Outcome:
    """What a command did: exit code, what it printed, the files' digests before and after.

    `expected` are the digests that the case wants in the end, where it wants any.
    """

    code: int
    out: str
    err: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    expected: Mapping[str, str]

    def lines(self, prefix: str) -> list[str]:
        """Return what was said on standard error after a prefix."""
        return [line for line in self.err.splitlines() if line.startswith(f"{prefix}: ")]


def complaints(case: Case, outcome: Outcome) -> list[str]:
    """Return what is not as the case wants it; nothing where all is well."""
    return [*_of_the_exit(case, outcome), *_of_the_words(case, outcome), *_of_files(case, outcome)]


def _of_the_exit(case: Case, outcome: Outcome) -> list[str]:
    if (outcome.code == 0) == case.goes_on:
        return []
    return [f"exit code {outcome.code}"]


def _of_the_words(case: Case, outcome: Outcome) -> list[str]:
    found: list[str] = []
    errors, warnings = outcome.lines("error"), outcome.lines("warning")
    expected = (0, case.lines) if case.goes_on else (case.lines, case.warnings)
    if (len(errors), len(warnings)) != expected:
        counted = f"{len(errors)} errors and {len(warnings)} warnings"
        found.append(f"{counted} instead of {expected[0]} and {expected[1]}")
    said = "\n".join(warnings if case.goes_on else errors).casefold()
    found += [f"does not say {word!r}" for word in case.says if not _says(said, word)]
    hidden = ("Traceback", "a fault of ours", case.hides)
    found += [f"says {word!r}" for word in dict.fromkeys(hidden) if word in outcome.err]
    others = [line for line in outcome.err.splitlines() if line not in errors + warnings]
    found += [f"says besides {line!r}" for line in others if not BESIDE.match(line)][:1]
    longest = max(map(len, errors + warnings), default=0)
    return found + [f"a line of {longest} characters"] * (longest > LONGEST_LINE)


def _of_files(case: Case, outcome: Outcome) -> list[str]:
    before, after = outcome.before, outcome.after
    if case.ends_like:
        before = outcome.expected
    # What goes on may write what it is to write.
    allowed = ("*",) if case.goes_on and not case.ends_like else case.changes
    changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    unasked = [path for path in changed if not any(fnmatch(path, a) for a in allowed)]
    left = [path for path in after if any(fnmatch(path, t) for t in TEMPORARY)]
    return [f"lost, altered or new: {path}" for path in unasked[:3]] + [
        f"left behind: {path}" for path in left[:3]
    ]


def _says(said: str, word: str) -> bool:
    """Tell whether one of the alternatives in a word, `missing|lacks`, is said."""
    return any(alternative.casefold() in said for alternative in word.split("|"))
