"""What the tables say of each number that is measured: a row of `metrics.csv`, in their order."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Metric:
    """A column of the results' tables; `better` is empty where no direction is good in itself."""

    key: str
    label: str
    unit: str
    better: Literal["lower", "higher", ""]
    digits: int
    meaning: str


FORM = TypeAdapter(Metric)


def _of_table(table: str) -> Iterator[Metric]:
    with Path(__file__).with_name("metrics.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row.pop("table") == table:
                yield FORM.validate_python(row)


METRICS = tuple(_of_table("images"))
# In a table of their own; each may be there for fewer labels too, as `probe_accuracy_100`.
OF_FEATURES = tuple(_of_table("features"))
