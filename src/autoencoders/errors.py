"""Errors that the user can correct, and lines about problems on standard error."""

import difflib
import re
import sys
from collections.abc import Collection


class UserError(Exception):
    """A mistake that the user can correct; the command line prints the message, no traceback.

    The message is one line: what is wrong, where, what is allowed and what to do next.
    """


def warn(message: str) -> None:
    """Print a warning in one line on standard error."""
    print(f"warning: {without_password(message)}", file=sys.stderr, flush=True)


def without_password(text: str) -> str:
    """Replace the user and the password in URIs."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)


def report_omission(result: str, reason: str) -> None:
    """Print in one line which metric or figure is left out, and why the data does not allow it."""
    print(f"left out: {result}, because {reason}", file=sys.stderr)


def suggestion(found: str, allowed: Collection[str]) -> str:
    """Return the end of an error about an unknown name: the most similar name and all names."""
    return f"{nearest(found, allowed)}; allowed: {', '.join(allowed)}"


def nearest(found: str, allowed: Collection[str]) -> str:
    """Return a part of an error about an unknown name: the most similar name; "" without one."""
    close = difflib.get_close_matches(found, allowed, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
