"""A bad input, its expected outcome, and its actual outcome."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

LONGEST_LINE = 900  # characters; a path has several names of up to 255
# Other lines that stages print: epochs, sources of files, the banner.
OTHER_LINES = re.compile(r"\S+: epoch \d+/\d+, |\w+: official files from |!!|$")
TEMPORARY = ("*.part", "*.part/*", "*/.*.old", "*/.*.old/*", "*.download.*")

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One bad input; by default a mistake that must give one error line.

    Attributes:
        kind: params, files, folders, images, environment, arguments, commands or requests.
        name: the mistake, in words.
        command: the arguments of `autoencoders`, or with `shell` a line of Bash; for a request its
            method, its address, its headers as `name: value`, and the file to send.
        bad: a function that makes a world bad, given its root.
        says: words that the lines must contain, in upper or lower case; `a|b` allows either.
        hides: a word that must not be printed, such as a password.
        needs: the world to copy: see `worlds.py`.
        goes_on: the expected outcome is a warning and exit code 0, not an error.
        lines: the number of errors, or of warnings with `goes_on`; one for each mistake.
        warnings: the number of warnings, in addition to the errors.
        ends_like: the world whose files must exist afterwards with the same bits; "" for none.
        changes: patterns of paths that may be new, lost or different.
        variables: environment variables; `{world}` and `{server}` are filled in.
        shell: the command runs in Bash as a new process, not in this one.
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
    """The outcome of a command: exit code, output, and the digests of files before and after.

    `expected` are the digests of the world `ends_like`, if there is one.
    """

    code: int
    out: str
    err: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    expected: Mapping[str, str]

    def lines(self, prefix: str) -> list[str]:
        """Return the lines on standard error that start with `prefix: `."""
        return [line for line in self.err.splitlines() if line.startswith(f"{prefix}: ")]


def complaints(case: Case, outcome: Outcome) -> list[str]:
    """Return the differences from the expected outcome; none for a correct outcome."""
    return [
        *_exit_faults(case, outcome),
        *_output_faults(case, outcome),
        *_file_faults(case, outcome),
    ]


def _exit_faults(case: Case, outcome: Outcome) -> list[str]:
    if (outcome.code == 0) == case.goes_on:
        return []
    return [f"exit code {outcome.code}"]


def _output_faults(case: Case, outcome: Outcome) -> list[str]:
    faults: list[str] = []
    errors, warnings = outcome.lines("error"), outcome.lines("warning")
    expected = (0, case.lines) if case.goes_on else (case.lines, case.warnings)
    if (len(errors), len(warnings)) != expected:
        counted = f"{len(errors)} errors and {len(warnings)} warnings"
        faults.append(f"{counted} instead of {expected[0]} and {expected[1]}")
    text = "\n".join(warnings if case.goes_on else errors).casefold()
    faults += [f"does not contain {word!r}" for word in case.says if not _contains(text, word)]
    hidden = ("Traceback", "internal error (", case.hides)
    faults += [f"prints {word!r}" for word in dict.fromkeys(hidden) if word in outcome.err]
    others = [line for line in outcome.err.splitlines() if line not in errors + warnings]
    faults += [f"also prints {line!r}" for line in others if not OTHER_LINES.match(line)][:1]
    longest = max(map(len, errors + warnings), default=0)
    return faults + [f"a line of {longest} characters"] * (longest > LONGEST_LINE)


def _file_faults(case: Case, outcome: Outcome) -> list[str]:
    before, after = outcome.before, outcome.after
    if case.ends_like:
        before = outcome.expected
    # A command that goes on may write its outputs.
    allowed = ("*",) if case.goes_on and not case.ends_like else case.changes
    changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    unexpected = [path for path in changed if not any(fnmatch(path, a) for a in allowed)]
    temporary = [path for path in after if any(fnmatch(path, t) for t in TEMPORARY)]
    return [f"lost, different or new: {path}" for path in unexpected[:3]] + [
        f"left behind: {path}" for path in temporary[:3]
    ]


def _contains(text: str, word: str) -> bool:
    """Return whether a text contains one of the alternatives of a word such as `missing|lacks`."""
    return any(alternative.casefold() in text for alternative in word.split("|"))
