"""The order in which stages start: after their dependencies, when enough cores are free."""

from collections.abc import Iterable, Mapping

import networkx as nx

from autoencoders import pipeline

MIN_SHARE = 0.05  # share of the work that must be done before the time left is estimated


class Schedule:
    """The stages to run, in the order of the pipeline. Each stage starts once.

    Stages that need more cores start first. While the next such stage waits for free cores, no
    other stage starts, so that small stages cannot delay it for ever.
    """

    def __init__(
        self, graph: "nx.DiGraph[str]", core_counts: Mapping[str, int], cores: int
    ) -> None:
        """Store the stages.

        Args:
            graph: the stages, with edges to their dependencies.
            core_counts: the number of cores of each stage that needs more than one.
            cores: the number of cores to use. A stage that needs more gets all of them.
        """
        self.unfinished = graph.copy()
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
        """Record the end of a stage. Stages that depend on a failed one never start."""
        self.free += self.core_counts[name]
        if succeeded:
            self.unfinished.remove_node(name)
        else:
            self.failed.append(name)

    def progress(self, seconds: float) -> str:
        """Return `31 of 51 stages, about 4 min left` after `seconds`.

        The estimate uses the relative costs in `pipeline.STAGES`; at first there is none.
        """
        count = len(self.core_counts)
        ended = f"{count - len(self.unfinished)} of {count} stages"
        share = 1 - _cost(self.unfinished) / _cost(self.core_counts)
        return (
            f"{ended}, about {format_duration(seconds / share - seconds)} left"
            if MIN_SHARE <= share < 1
            else ended
        )


def format_duration(seconds: float) -> str:
    """Return seconds as text: `85 s`, or `4 min` from 100 s on."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _cost(names: Iterable[str]) -> float:
    """Return the total cost of stages; a user's own stage costs 1."""
    stages = pipeline.BY_NAME
    kinds = [name.split("@")[0] for name in names]
    return sum(stages[kind].cost if kind in stages else 1 for kind in kinds)
