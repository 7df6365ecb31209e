"""The one exception that means "the user can put this right"."""


class UserError(Exception):
    """A mistake that the user can mend; the command line prints its message and no traceback.

    The message is one line: what is wrong, where, what is allowed, what to do next.
    """
