"""Which stage starts when: after all that it waits for, on no more cores than there are."""

from collections.abc import Mapping


class Schedule:
    """What is to be run, in the order of the pipeline; each stage is started once.

    The stages that need most cores start first: what needs one fits in anywhere after them. A wide
    one whose turn has come is waited for, so that narrow ones do not hold it off for ever.
    """

    def __init__(
        self, upstream: Mapping[str, frozenset[str]], widths: Mapping[str, int], cores: int
    ) -> None:
        """Take what each stage waits for among these, and how many cores it needs, one if not said.

        One that needs more than there are has all.
        """
        self.upstream = {name: before & upstream.keys() for name, before in upstream.items()}
        self.widths = {name: min(widths.get(name, 1), cores) for name in upstream}
        self.cores = self.free = cores
        self.waiting = sorted(upstream, key=lambda name: -self.widths[name])
        self.done: set[str] = set()
        self.failed: list[str] = []

    def start(self) -> list[str]:
        """Return the stages that start now."""
        ready = [name for name in self.waiting if self.upstream[name] <= self.done]
        started = []
        for name in ready:
            if self.widths[name] > self.free:
                break
            self.free -= self.widths[name]
            self.waiting.remove(name)
            started.append(name)
        return started

    def end(self, name: str, succeeded: bool) -> None:
        """Hear that a stage has ended; those that wait for one that failed never start."""
        self.free += self.widths[name]
        if succeeded:
            self.done.add(name)
        else:
            self.failed.append(name)
