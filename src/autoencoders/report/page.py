"""Renders the results as one HTML page.

The page contains its style and script, and links to pictures by relative paths. The script adds the
controls; it reads its data from attributes and JSON in the page.
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
from autoencoders.report.metrics import FEATURE_METRICS, IMAGE_METRICS, Metric
from autoencoders.report.over_seeds import seed_table
from autoencoders.report.results import DatasetResults, VariantResult


@dataclass(frozen=True)
class _Cell:
    text: str
    value: float | None  # None if missing or not finite
    mark: str  # `best`: best network of the column; `beats`: yardstick better than its network


@dataclass(frozen=True)
class _TableRow:
    name: str
    anchor: str  # id of the variant's section; empty for a yardstick
    cells: Sequence[_Cell]


@dataclass(frozen=True)
class _Table:
    title: str
    columns: Sequence[Metric]
    rows: Sequence[_TableRow]
    yardstick_wins: Sequence[str]  # one sentence for each network that a yardstick surpasses


def page_environment() -> Environment:
    """Return the environment of templates of pages; `style` is the style sheet of all pages."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(style=_read_file("page.css"))
    return environment


def render(datasets: Sequence[DatasetResults]) -> str:
    """Return the HTML of the report page, with one section per dataset."""
    environment = page_environment()
    environment.globals.update(anchor=_anchor)
    environment.filters.update(address=quote, plane_data=_plane_data, settings=_settings)
    template = environment.from_string(_read_file("page.html"))
    with_tables, all_columns = [], dict[Metric, None]()
    for dataset in datasets:
        tables = _tables(dataset)
        columns = dict.fromkeys(metric for table in tables for metric in table.columns)
        with_tables.append((dataset, tables, seed_table(dataset, [*columns])))
        all_columns |= columns
    sections = [dataset.section for dataset in datasets]
    page = template.render(
        datasets=with_tables,
        legend=[metric for metric in all_columns if metric.meaning],
        stand_ins=[section.title for section in sections if section.source == "stand-in"],
        script=_read_file("page.js"),
    )
    return page + "\n"


def _read_file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _tables(dataset: DatasetResults) -> list[_Table]:
    """Return the tables of image metrics and of feature metrics, without empty tables."""
    present = {
        key
        for result in dataset.variants
        for numbers in (result.numbers, *result.yardsticks.values())
        for key in numbers
    }
    features = [metric for base in FEATURE_METRICS for metric in _per_label_count(base, present)]
    feature_keys = {key for metric in features for key in (metric.key, _std_key(metric))}
    tables = {
        "Reconstruction and generation": _columns(IMAGE_METRICS, present - feature_keys),
        "Classification from the latents": features,
    }
    return [_table(title, dataset, columns) for title, columns in tables.items() if columns]


def _per_label_count(base: Metric, present: Collection[str]) -> list[Metric]:
    """Return `base` for all labels, then for decreasing label counts, if its key is `present`."""
    pattern = re.compile(rf"{base.key}_(\d+)")
    counts = sorted((int(m[1]) for key in present if (m := pattern.fullmatch(key))), reverse=True)
    fewer_labels = [
        replace(
            base,
            key=f"{base.key}_{count}",
            label=f"{base.label} ({count:,} labels)",
            meaning=f"{base.label} with only {count:,} labelled training images; mean ± standard "
            "deviation over random choices of these images",
        )
        for count in counts
    ]
    return [metric for metric in (base, *fewer_labels) if metric.key in present]


def _table(title: str, dataset: DatasetResults, columns: Sequence[Metric]) -> _Table:
    """Return the table of all networks, each followed by its yardsticks that have these metrics."""
    best = {metric: _best(metric, dataset.variants) for metric in columns}
    rows, yardstick_wins = [], []
    for result in dataset.variants:
        own, anchor = result.numbers, _anchor(dataset.name, result.name)
        leads = [m for m in columns if best[m] is not None and best[m] == _rounded(m, own)]
        rows.append(_row(result.name, anchor, columns, own, "best", leads))
        for key, numbers in result.yardsticks.items():
            if not any(metric.key in numbers for metric in columns):
                continue
            name, wins = _words(key), [m for m in columns if _beats(m, numbers, own)]
            rows.append(_row(name, "", columns, numbers, "beats", wins))
            if wins:
                labels = ", ".join(metric.label for metric in wins)
                yardstick_wins.append(f"{result.name} is worse than {name} on {labels}")
    return _Table(title, columns, rows, yardstick_wins)


def _row(
    name: str,
    anchor: str,
    columns: Sequence[Metric],
    numbers: Mapping[str, float],
    mark: str,
    marked: Sequence[Metric],
) -> _TableRow:
    cells = [
        _Cell(
            _formatted(metric, numbers), _rounded(metric, numbers), mark if metric in marked else ""
        )
        for metric in columns
    ]
    return _TableRow(name, anchor, cells)


def _columns(documented: Sequence[Metric], present: Set[str]) -> list[Metric]:
    """Return the present metrics: the documented ones in their order, then the others by name."""
    undocumented = present - {metric.key for metric in documented}
    others = [Metric(key, _words(key), "", "", 4, "") for key in sorted(undocumented)]
    return [metric for metric in documented if metric.key in present] + others


def _rounded(metric: Metric, metrics: Mapping[str, float]) -> float | None:
    """Return a metric rounded as it is printed, for comparisons; None if missing or not finite."""
    value = metrics.get(metric.key)
    return None if value is None or not math.isfinite(value) else round(value, metric.digits)


def _formatted(metric: Metric, metrics: Mapping[str, float]) -> str:
    """Return a metric as text, with its standard deviation if it is measured; `–` if missing."""
    values = [metrics[key] for key in (metric.key, _std_key(metric)) if key in metrics]
    # Rounding may give −0.0; adding 0.0 makes it 0.0.
    texts = [f"{round(value, metric.digits) + 0.0:.{metric.digits}f}" for value in values]
    return " ± ".join(texts).replace("-", "−") or "–"


def _std_key(metric: Metric) -> str:
    """Return the key of a metric's standard deviation over random choices of labels."""
    return f"{metric.key}_std"


def _best(metric: Metric, variants: Sequence[VariantResult]) -> float | None:
    values = [_rounded(metric, result.numbers) for result in variants]
    finite = [value for value in values if value is not None]
    if not metric.better or len(finite) < 2:
        return None
    return min(finite) if metric.better == "lower" else max(finite)


def _beats(metric: Metric, yardstick: Mapping[str, float], network: Mapping[str, float]) -> bool:
    ours, theirs = _rounded(metric, network), _rounded(metric, yardstick)
    if not metric.better or ours is None or theirs is None:
        return False
    return theirs < ours if metric.better == "lower" else theirs > ours


def _words(name: str) -> str:
    return name.replace("_", " ")


def _anchor(*names: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(names))


def _plane_data(plane: LatentPlane) -> dict[str, Any]:
    """Return a latent plane as JSON data for the script, with paths quoted as addresses."""
    decoded, originals = (
        replace(sheet, path=quote(sheet.path)) for sheet in (plane.decoded, plane.originals)
    )
    return asdict(replace(plane, decoded=decoded, originals=originals))


def _settings(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested hyperparameters as (dotted key, value as plain text or JSON)."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _settings(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            yield f"{prefix}{key}", text
