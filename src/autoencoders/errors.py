"""What people are told: mistakes that they can put right, and what their data cannot give."""

import sys


class UserError(Exception):
    """A mistake that the user can mend; the command line prints its message and no traceback.

    The message is one line: what is wrong, where, what is allowed, what to do next.
    """


def warn(said: str) -> None:
    """Warn in one line: something is not as one might think, and the work goes on."""
    print(f"warning: {said}", file=sys.stderr, flush=True)


def report_omission(what: str, why: str) -> None:
    """Say in one line what a stage does not measure or draw, as the data cannot give it."""
    print(f"left out: {what}, as {why}", file=sys.stderr)
