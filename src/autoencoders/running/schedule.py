"""Which stage starts when: after all that it waits for, on no more cores than there are."""

from collections.abc import Iterable, Mapping

import networkx as nx

from autoencoders import pipeline

LEAST = 0.05  # the share of all work that has to be done before it tells how long the rest takes


class Schedule:
    """What is to be run, in the order of the pipeline; each stage is started once.

    The stages that need most cores start first: what needs one fits in anywhere after them. A wide
    one whose turn has come is waited for, so that narrow ones do not hold it off for ever.
    """

    def __init__(
        self, graph: "nx.DiGraph[str]", core_counts: Mapping[str, int], cores: int
    ) -> None:
        """Take the stages, with edges to what they wait for, and how many cores some need.

        The others need one. A stage that needs more than there are has all.
        """
        self.unfinished = graph.copy()  # all that is not done
        self.core_counts = {name: min(core_counts.get(name, 1), cores) for name in graph}
        self.cores = self.free = cores
        self.waiting = sorted(graph, key=lambda name: -self.core_counts[name])
        self.failed: list[str] = []

    def start(self) -> list[str]:
        """Return the stages that start now."""
        started = []
        for name in [name for name in self.waiting if not self.unfinished[name]]:
            if self.core_counts[name] > self.free:
                break
            self.free -= self.core_counts[name]
            self.waiting.remove(name)
            started.append(name)
        return started

    def end(self, name: str, succeeded: bool) -> None:
        """Hear that a stage has ended; those that wait for one that failed never start."""
        self.free += self.core_counts[name]
        if succeeded:
            self.unfinished.remove_node(name)
        else:
            self.failed.append(name)

    def progress(self, seconds: float) -> str:
        """Return `31 of 51 stages, about 4 min left`, without a time as long as that is unknown.

        Stages take as long beside each other as the pipeline's table says; `seconds` have passed.
        """
        count = len(self.core_counts)
        ended = f"{count - len(self.unfinished)} of {count} stages"
        share = 1 - _cost(self.unfinished) / _cost(self.core_counts)
        return (
            f"{ended}, about {format_duration(seconds / share - seconds)} left"
            if LEAST <= share < 1
            else ended
        )


def format_duration(seconds: float) -> str:
    """Return `85 s` or `4 min`."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _cost(names: Iterable[str]) -> float:
    """Return what stages cost together; people's own stages cost 1."""
    known = pipeline.BY_NAME
    kinds = [name.split("@")[0] for name in names]
    return sum(known[kind].cost if kind in known else 1 for kind in kinds)
