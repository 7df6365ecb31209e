"""The report as one self-contained HTML page: plain data in, text out.

No network: style and script stand in the page, pictures are linked by relative paths. The script
adds what can be pressed, and data for it is in attributes and in JSON: without it, all can be read.
"""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, StrictUndefined

from autoencoders.figures.section import LatentPlane, Picture
from autoencoders.report.metrics import METRICS, OF_FEATURES, Metric


@dataclass(frozen=True)
class VariantSection:
    """What the page says of one trained variant.

    `metrics` may lack any metric, and may hold others than the page knows. `yardsticks` maps a name
    to the same metrics. `hyperparameters` may be nested. `training` holds short facts, such as
    `{"epochs": 30, "best epoch": 27}`, shown as they are. `plane` is there where the latent is one.
    """

    variant: str
    metrics: Mapping[str, float]
    yardsticks: Mapping[str, Mapping[str, float]]
    hyperparameters: Mapping[str, Any]
    figures: Sequence[Picture]
    model_sha256: str
    training: Mapping[str, Any] = field(default_factory=dict)
    plane: LatentPlane | None = None


@dataclass(frozen=True)
class DatasetSection:
    """What the page says of one dataset.

    `source` is `official`, `stand-in` or `folder`; `image_counts` maps a split to its number of
    images.
    """

    dataset: str
    title: str
    source: str
    image_counts: Mapping[str, int]
    variants: Sequence[VariantSection]
    figures: Sequence[Picture] = ()


@dataclass(frozen=True)
class _Cell:
    text: str
    value: float | None  # None if there is none, or it is not finite
    best: bool = False  # of all networks in the table
    beats: bool = False  # a yardstick that is better than its network


@dataclass(frozen=True)
class _Row:
    name: str
    anchor: str  # of the variant's section; empty for a yardstick
    cells: Sequence[_Cell]


@dataclass(frozen=True)
class _Table:
    title: str
    columns: Sequence[Metric]
    rows: Sequence[_Row]
    defeats: Sequence[str]  # sentences: which yardstick beats which network, and on what


def render(datasets: Sequence[DatasetSection]) -> str:
    """Return the report page of `datasets`, in the order given.

    Raises:
        ValueError: a picture's path is not relative.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(anchor=_anchor)
    environment.filters.update(address=_address, plain=_plain, settings=_settings, words=_words)
    template = environment.from_string(_beside("page.html"))
    tables = [(section, _tables(section)) for section in datasets]
    shown = [metric for _, ts in tables for table in ts for metric in table.columns]
    legend = [metric for metric in dict.fromkeys(shown) if metric.meaning]
    stand_ins = [section.title for section in datasets if section.source == "stand-in"]
    script = _beside("page.js")
    return template.render(tables=tables, legend=legend, stand_ins=stand_ins, script=script) + "\n"


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _tables(section: DatasetSection) -> list[_Table]:
    """Return the table of images and the one of features, those of them that have columns."""
    rows = [
        row
        for variant in section.variants
        for row in (variant.metrics, *variant.yardsticks.values())
    ]
    present = {key for row in rows for key in row}
    features = [metric for base in OF_FEATURES for metric in _by_labels(base, present)]
    of_features = {key for metric in features for key in (metric.key, _spread(metric))}
    images = _columns(METRICS, present - of_features)
    titled = {"Images": images, "Features without labels": features}
    return [_table(title, section, columns) for title, columns in titled.items() if columns]


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


def _table(title: str, section: DatasetSection, columns: Sequence[Metric]) -> _Table:
    """Return the networks, each with those of its yardsticks that have any of the columns."""
    best = {metric: _best(metric, section.variants) for metric in columns}
    rows = []
    for variant in section.variants:
        cells = [
            _Cell(
                _text(metric, variant.metrics),
                _value(metric, variant.metrics),
                best=best[metric] is not None and best[metric] == _value(metric, variant.metrics),
            )
            for metric in columns
        ]
        rows.append(_Row(variant.variant, _anchor(section.dataset, variant.variant), cells))
        for name, metrics in variant.yardsticks.items():
            if not any(metric.key in metrics for metric in columns):
                continue
            cells = [
                _Cell(
                    _text(metric, metrics),
                    _value(metric, metrics),
                    beats=_beats(metric, metrics, variant.metrics),
                )
                for metric in columns
            ]
            rows.append(_Row(_words(name), "", cells))
    return _Table(title, columns, rows, [*_defeats(section.variants, columns)])


def _columns(known: Sequence[Metric], present: Set[str]) -> list[Metric]:
    """Return the metrics that are present: the known ones in their order, then others by name."""
    unknown = present - {metric.key for metric in known}
    others = [Metric(key, _words(key), "", None, 4, "") for key in sorted(unknown)]
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


def _best(metric: Metric, variants: Sequence[VariantSection]) -> float | None:
    values = [_value(metric, variant.metrics) for variant in variants]
    finite = [value for value in values if value is not None]
    if metric.better is None or len(finite) < 2:  # no contest
        return None
    return min(finite) if metric.better == "lower" else max(finite)


def _beats(metric: Metric, yardstick: Mapping[str, float], network: Mapping[str, float]) -> bool:
    one, other = _value(metric, yardstick), _value(metric, network)
    if metric.better is None or one is None or other is None:
        return False
    return one < other if metric.better == "lower" else one > other


def _defeats(variants: Sequence[VariantSection], columns: Sequence[Metric]) -> Iterator[str]:
    for variant in variants:
        for name, metrics in variant.yardsticks.items():
            lost = [m.label for m in columns if _beats(m, metrics, variant.metrics)]
            if lost:
                yield f"{_words(name)} beats {variant.variant} on {', '.join(lost)}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _anchor(*names: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(names))


def _address(path: str) -> str:
    """Return a relative path as it stands in a link."""
    if urlsplit(path).scheme or PurePosixPath(path).is_absolute():
        raise ValueError(f"the page links its pictures by relative paths, found {path!r}")
    return quote(path)


def _plain(plane: LatentPlane) -> dict[str, Any]:
    """Return what the script is given of a plane."""
    decoded, originals = (
        replace(sheet, path=_address(sheet.path)) for sheet in (plane.decoded, plane.originals)
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
