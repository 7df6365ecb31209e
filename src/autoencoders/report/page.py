"""The report as one self-contained HTML page: plain data in, text out.

No network: style and script stand in the page, pictures are linked by relative paths. The script
adds what can be pressed, and data for it is in attributes and in JSON: without it, all can be read.
"""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

from autoencoders.figures.section import LatentPlane
from autoencoders.report.metrics import METRICS, OF_FEATURES, Metric
from autoencoders.report.results import DatasetResults, VariantResult


@dataclass(frozen=True)
class _Cell:
    text: str
    value: float | None  # None if there is none, or it is not finite
    mark: str  # `best` of all networks in the table; `beats`: a yardstick better than its network


@dataclass(frozen=True)
class _TableRow:
    name: str
    anchor: str  # of the variant's section; empty for a yardstick
    cells: Sequence[_Cell]


@dataclass(frozen=True)
class _Table:
    title: str
    columns: Sequence[Metric]
    rows: Sequence[_TableRow]
    defeats: Sequence[str]  # sentences: which yardstick beats which network, and on what


def render(datasets: Sequence[DatasetResults]) -> str:
    """Return the report page of `datasets`, in the order given."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(anchor=_anchor)
    environment.filters.update(address=quote, plain=_plain, settings=_settings, words=_words)
    template = environment.from_string(_beside("page.html"))
    tables = [(of_dataset, _tables(of_dataset)) for of_dataset in datasets]
    shown = [metric for _, ts in tables for table in ts for metric in table.columns]
    legend = [metric for metric in dict.fromkeys(shown) if metric.meaning]
    sections = [of_dataset.section for of_dataset in datasets]
    stand_ins = [section.title for section in sections if section.source == "stand-in"]
    script = _beside("page.js")
    return template.render(tables=tables, legend=legend, stand_ins=stand_ins, script=script) + "\n"


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _tables(of_dataset: DatasetResults) -> list[_Table]:
    """Return the table of images and the one of features, those of them that have columns."""
    present = {
        key
        for result in of_dataset.variants
        for numbers in (result.numbers, *result.yardsticks.values())
        for key in numbers
    }
    features = [metric for base in OF_FEATURES for metric in _by_labels(base, present)]
    of_features = {key for metric in features for key in (metric.key, _spread(metric))}
    images = _columns(METRICS, present - of_features)
    titled = {"Images": images, "Features without labels": features}
    return [_table(title, of_dataset, columns) for title, columns in titled.items() if columns]


def _by_labels(base: Metric, present: Collection[str]) -> list[Metric]:
    """Return `base` for all labels, then for fewer and fewer, those that are `present`."""
    pattern = re.compile(rf"{base.key}_(\d+)")
    counts = sorted((int(m[1]) for key in present if (m := pattern.fullmatch(key))), reverse=True)
    few = [
        replace(
            base,
            key=f"{base.key}_{count}",
            label=f"{base.label}, {count:,} labels",
            meaning=f"the same with the labels of {count:,} training images, mean ± standard "
            "deviation over draws of them",
        )
        for count in counts
    ]
    return [metric for metric in (base, *few) if metric.key in present]


def _table(title: str, of_dataset: DatasetResults, columns: Sequence[Metric]) -> _Table:
    """Return the networks, each with those of its yardsticks that have any of the columns."""
    best = {metric: _best(metric, of_dataset.variants) for metric in columns}
    rows, defeats = [], []
    for result in of_dataset.variants:
        own, anchor = result.numbers, _anchor(of_dataset.dataset, result.variant)
        leads = [m for m in columns if best[m] is not None and best[m] == _value(m, own)]
        rows.append(_row(result.variant, anchor, columns, own, "best", leads))
        for key, numbers in result.yardsticks.items():
            if not any(metric.key in numbers for metric in columns):
                continue
            name, beaten = _words(key), [m for m in columns if _beats(m, numbers, own)]
            rows.append(_row(name, "", columns, numbers, "beats", beaten))
            if beaten:
                labels = ", ".join(metric.label for metric in beaten)
                defeats.append(f"{name} beats {result.variant} on {labels}")
    return _Table(title, columns, rows, defeats)


def _row(
    name: str,
    anchor: str,
    columns: Sequence[Metric],
    numbers: Mapping[str, float],
    mark: str,
    marked: Sequence[Metric],
) -> _TableRow:
    cells = [
        _Cell(_text(metric, numbers), _value(metric, numbers), mark if metric in marked else "")
        for metric in columns
    ]
    return _TableRow(name, anchor, cells)


def _columns(known: Sequence[Metric], present: Set[str]) -> list[Metric]:
    """Return the metrics that are present: the known ones in their order, then others by name."""
    unknown = present - {metric.key for metric in known}
    others = [Metric(key, _words(key), "", "", 4, "") for key in sorted(unknown)]
    return [metric for metric in known if metric.key in present] + others


def _value(metric: Metric, metrics: Mapping[str, float]) -> float | None:
    """Return a metric as it is printed, so that what reads equal is equal; None if not finite."""
    value = metrics.get(metric.key)
    return None if value is None or not math.isfinite(value) else round(value, metric.digits)


def _text(metric: Metric, metrics: Mapping[str, float]) -> str:
    """Return a metric as it is printed, with its standard deviation where there is one."""
    values = [metrics[key] for key in (metric.key, _spread(metric)) if key in metrics]
    # Adding 0.0 turns the −0.0 that rounding may leave into 0.0.
    texts = [f"{round(value, metric.digits) + 0.0:.{metric.digits}f}" for value in values]
    return " ± ".join(texts).replace("-", "−") or "–"


def _spread(metric: Metric) -> str:
    """Return the key of a metric's standard deviation over draws of labels."""
    return f"{metric.key}_std"


def _best(metric: Metric, variants: Sequence[VariantResult]) -> float | None:
    values = [_value(metric, result.numbers) for result in variants]
    finite = [value for value in values if value is not None]
    if not metric.better or len(finite) < 2:  # no contest
        return None
    return min(finite) if metric.better == "lower" else max(finite)


def _beats(metric: Metric, yardstick: Mapping[str, float], network: Mapping[str, float]) -> bool:
    one, other = _value(metric, yardstick), _value(metric, network)
    if not metric.better or one is None or other is None:
        return False
    return one < other if metric.better == "lower" else one > other


def _words(name: str) -> str:
    return name.replace("_", " ")


def _anchor(*names: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(names))


def _plain(plane: LatentPlane) -> dict[str, Any]:
    """Return what the script is given of a plane."""
    decoded, originals = (
        replace(sheet, path=quote(sheet.path)) for sheet in (plane.decoded, plane.originals)
    )
    return asdict(replace(plane, decoded=decoded, originals=originals))


def _settings(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested hyperparameters as (dotted key, value written as JSON or plain text)."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _settings(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            yield f"{prefix}{key}", text
