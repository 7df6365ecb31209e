"""What a table says of a number: each module here says it of those that it measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# What a question about a trained variant is answered with: numbers by the names of metrics, and
# under `yardsticks` the same of what the network is held against.
Answer = dict[str, Any]


@dataclass(frozen=True)
class Metric:
    """A column of the results' tables; `better` is None where no direction is good in itself."""

    key: str
    label: str
    unit: str
    better: Literal["lower", "higher"] | None
    digits: int
    meaning: str


def headline(content: Mapping[str, Any]) -> dict[str, float]:
    """Return the network's own numbers out of a metrics file's content."""
    return {
        name: value
        for name, value in content.items()
        if isinstance(value, int | float) and name != "n_images"
    }
