"""Errors that the user can correct, and lines about problems on standard error."""

import sys


class UserError(Exception):
    """A mistake that the user can correct; the command line prints the message, no traceback.

    The message is one line: what is wrong, where, what is allowed and what to do next.
    """


def warn(message: str) -> None:
    """Print a warning in one line on standard error."""
    print(f"warning: {message}", file=sys.stderr, flush=True)


def report_omission(result: str, reason: str) -> None:
    """Print in one line which metric or figure is left out, and why the data does not allow it."""
    print(f"left out: {result}, because {reason}", file=sys.stderr)
