"""What runs now, at the foot of a terminal; elsewhere nothing, and lines say how far all is."""

import sys
from collections.abc import Sequence
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.text import Text


class Board:
    """The last lines of a terminal; what is printed meanwhile goes above them."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._foot = Live(transient=True)

    def __enter__(self) -> "Board":
        if self.live:
            self._foot.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._foot.stop()

    def show(self, overall: str, running: Sequence[str]) -> None:
        """Show how far all is, and a line of each stage that runs."""
        lines = [Text(overall, "bold"), *(Text(f"  {line}") for line in running)]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        self._foot.update(Group(*lines))
