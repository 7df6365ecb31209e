"""How far all is, and about how long it goes on."""

from collections.abc import Iterable, Mapping

from autoencoders import pipeline
from autoencoders.running.schedule import Schedule

LEAST = 0.05  # the share of all work that has to be done before it tells how long the rest takes


class Pace:
    """What stages took until now, by their kind, and what the others will take by that."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.seconds: dict[str, list[float]] = {}  # of a core, of each finished stage of a kind

    def hear(self, name: str, seconds: float) -> None:
        """Hear how long a stage took."""
        taken = seconds * self.schedule.widths[name]
        self.seconds.setdefault(_kind(name), []).append(taken)

    def line(self, running: Mapping[str, float]) -> str:
        """Return `31 of 51 stages, about 4 min left`, without a time as long as that is unknown.

        `running` says for how many seconds stages have been running.
        """
        count = len(self.schedule.widths)
        ended = f"{count - len(self.schedule.left)} of {count} stages"
        left = self._left(running)
        return f"{ended}, about {in_words(left)} left" if left else ended

    def _left(self, running: Mapping[str, float]) -> float:
        """Return the seconds left, by the mean of each kind or its usual cost; 0 where unknown."""
        taken = sum(map(sum, self.seconds.values()))
        usual = _usual(kind for kind, of_kind in self.seconds.items() for _ in of_kind)
        if usual < LEAST * _usual(map(_kind, self.schedule.widths)):
            return 0
        ahead = [*self.schedule.waiting, *running]
        if not ahead:
            return 0
        expected = 0.0
        for kind in map(_kind, ahead):
            of_kind = self.seconds.get(kind)
            expected += sum(of_kind) / len(of_kind) if of_kind else _usual([kind]) * taken / usual
        widths = self.schedule.widths
        done = sum(seconds * widths[name] for name, seconds in running.items())
        return max(1, (expected - done) / self.schedule.cores)


def in_words(seconds: float) -> str:
    """Return `85 s` or `4 min`."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _kind(name: str) -> str:
    return name.split("@")[0]


def _usual(kinds: Iterable[str]) -> float:
    """Return what stages cost together by the table; people's own stages cost 1."""
    known = pipeline.BY_NAME
    return sum(known[kind].cost if kind in known else 1 for kind in kinds)
