"""The metrics of the report's tables, in their order: one per row of `metrics.csv`."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Metric:
    """A column of the tables; `better` is empty if neither higher nor lower values are better."""

    key: str
    label: str
    unit: str
    better: Literal["lower", "higher", ""]
    digits: int
    meaning: str


METRIC = TypeAdapter(Metric)


def _read_metrics(table: str) -> Iterator[Metric]:
    with Path(__file__).with_name("metrics.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row.pop("table") == table:
                yield METRIC.validate_python(row)


IMAGE_METRICS = tuple(_read_metrics("images"))
# Each may also be measured with fewer labels, for example as `probe_accuracy_100`.
FEATURE_METRICS = tuple(_read_metrics("features"))
