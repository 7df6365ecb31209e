"""The page of a sweep and its figures, in the style of the report.

`trials` are the finished ones by number, from the best to the worst.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from autoencoders.figures import plots
from autoencoders.figures.plots.style import BLUE, FRAME, MUTED, ORANGE, house_style, start_chart
from autoencoders.report.page import page_environment
from autoencoders.studies.study import (
    Choice,
    Domain,
    Grid,
    Integer,
    LogUniform,
    Outcome,
    Study,
    Uniform,
    ranked,
)

PAGE = "index.html"
Trials = Mapping[int, Outcome]
WIDE = 10.0  # ratio of the highest to the lowest value from which an axis is logarithmic
SHADES = LinearSegmentedColormap.from_list("trials", [BLUE, FRAME])  # from the best to the worst


def write(
    folder: Path, study: Study, outcomes: Sequence[Outcome], source: str, **texts: Any
) -> None:
    """Write the page and its figures into a folder.

    Args:
        folder: an existing folder.
        study: the study of the sweep.
        outcomes: the outcomes of all trials; at least one has succeeded.
        source: the source of the images.
        texts: further variables of the template: `name` of the sweep, `variant`, title of the
            `dataset`, and the `command` that reproduces the best trial.
    """
    trials = ranked(study, outcomes)
    figures: dict[str, tuple[str, Figure]] = {
        "parallel_coordinates": (
            "The values of each trial, from the best (orange, blue) to the worst (grey)",
            parallel_coordinates(study, trials),
        ),
        "learning_curves": (
            "The metric over the epochs of each trial",
            learning_curves(study, trials),
        ),
        "best_over_time": (
            "The metric of each trial in the order of their start, and the best value until then",
            best_over_time(study, trials),
        ),
    }
    if shares := importances(study, trials):
        figures["importance"] = (
            "Importance: the share of the metric's variance over the space that each key alone or "
            "with others explains (fANOVA, Hutter et al. 2014), estimated from these trials",
            importance_bars(shares),
        )
    for name, (_, figure) in figures.items():
        plots.save(figure, folder / f"{name}.png", source)
    environment = page_environment()
    environment.filters.update(text=as_text)
    template = Path(__file__).with_name("sweep.html").read_text("utf-8")
    page = environment.from_string(template).render(
        study=study,
        trials=trials,
        failed={n: trial for n, trial in enumerate(outcomes) if n not in trials},
        columns=short_names(varied(study)),
        pictures={f"{name}.png": caption for name, (caption, _) in figures.items()},
        stand_in=source == "stand-in",
        **texts,
    )
    (folder / PAGE).write_text(f"{page}\n", "utf-8")


def as_text(value: Any) -> str:
    """Return a value of a trial as text; numbers have four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def short_names(keys: Collection[str]) -> dict[str, str]:
    """Return for each dotted key its last names, as few as distinguish it from the other keys."""
    names = {}
    for key in keys:
        parts = key.split(".")
        ends = (".".join(parts[start:]) for start in reversed(range(len(parts))))
        names[key] = next(
            end for end in ends if [f".{one}".endswith(f".{end}") for one in keys].count(True) == 1
        )
    return names


def varied(study: Study) -> dict[str, Domain]:
    """Return the keys that have more than one value."""
    return {
        key: domain
        for key, domain in study.space.items()
        if not isinstance(domain, Choice | Grid) or len(domain.values) > 1
    }


@house_style()
def parallel_coordinates(study: Study, trials: Trials) -> Figure:
    """Draw each trial as a line through its values: one axis per key, and one for the metric."""
    space = varied(study)
    figure = start_chart("", 1.3 * len(space) + 1.6, 3.2)
    grid = figure.subplots(1, len(space) + 1, squeeze=False, width_ratios=[*[1] * len(space), 0.02])
    axes = list(grid[0])
    for axis, name in zip(axes, [*short_names(space).values(), study.metric], strict=True):
        axis.spines["bottom"].set_visible(False)
        axis.patch.set_visible(False)
        axis.grid(False)
        axis.set(xticks=[], zorder=2)
        side = "right" if axis is axes[-1] else "center"
        axis.set_title(re.sub(r"[_.]", "\n", name), x=0, horizontalalignment=side)
    heights = [
        _set_scale(axis, domain, [trial.values[key] for trial in trials.values()])
        for axis, (key, domain) in zip(axes, space.items(), strict=False)
    ]
    metric = [trial.metrics[study.metric] for trial in trials.values()]
    _set_log_scale(axes[-1], metric)
    axes[-1].update_datalim([(0, value) for value in metric])
    axes[-1].autoscale_view(scalex=False)
    heights.append(metric)
    for rank in reversed(range(len(trials))):
        for left in range(len(space)):
            line = ConnectionPatch(
                (0, heights[left][rank]),
                (0, heights[left + 1][rank]),
                axes[left].get_yaxis_transform(),
                axes[left + 1].get_yaxis_transform(),
                color=SHADES(rank / len(trials)) if rank else ORANGE,
                linewidth=1 if rank else 2,
            )
            line.set_in_layout(False)
            figure.add_artist(line)
    for axis in axes:
        for label in axis.get_yticklabels():
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5})
    return figure


def _set_scale(axis: Axes, domain: Domain, values: list[Any]) -> list[float]:
    """Set the limits and ticks of a key's axis, and return the heights of values."""
    if isinstance(domain, Choice | Grid):
        texts = [as_text(value) for value in domain.values]
        axis.set_yticks(range(len(texts)), texts)
        axis.set_ylim(-0.3, len(texts) - 0.7)
        return [texts.index(as_text(value)) for value in values]
    if isinstance(domain, LogUniform):
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_minor_locator(NullLocator())
    else:
        axis.yaxis.set_major_locator(MaxNLocator(5, integer=isinstance(domain, Integer)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_ylim(domain.low, domain.high)
    return values


@house_style()
def learning_curves(study: Study, trials: Trials) -> Figure:
    """Draw each trial's metric over its epochs.

    A metric of the evaluation has one value for each trial; then the validation loss is drawn.
    """
    first = next(iter(trials.values())).history[0]
    column = study.metric if study.metric in first else "validation_loss"
    figure = start_chart("", 5.0, 3.2)
    axis = figure.subplots()
    curves = {number: [row[column] for row in trial.history] for number, trial in trials.items()}
    for rank, (number, values) in reversed(list(enumerate(curves.items()))):
        label = {0: f"best trial, {number}", 1: "other trials"}.get(rank, "")
        color = SHADES(rank / len(trials)) if rank else ORANGE
        epochs = [row["epoch"] for row in trials[number].history]
        marker = "" if len(values) > 1 else "o"
        axis.plot(
            epochs, values, color=color, linewidth=1 if rank else 2, marker=marker, label=label
        )
    _set_log_scale(axis, [value for values in curves.values() for value in values])
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="epoch", ylabel=column.replace("_", " "))
    figure.legend(loc="outside lower left", ncols=2, reverse=True)
    return figure


@house_style()
def best_over_time(study: Study, trials: Trials) -> Figure:
    """Draw the metric of each trial over its number, and the best value until then."""
    figure = start_chart("", 5.0, 3.2)
    axis = figure.subplots()
    numbers = sorted(trials)
    values = [trials[number].metrics[study.metric] for number in numbers]
    accumulate = np.minimum if study.lower_is_better else np.maximum
    best = accumulate.accumulate(values)
    axis.plot(numbers, values, "o", color=BLUE, label="trial")
    axis.step(numbers, best, where="post", color=ORANGE, linewidth=2, label="best until then")
    _set_log_scale(axis, values)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="trial", ylabel=study.metric.replace("_", " "))
    figure.legend(loc="outside lower left", ncols=2)
    return figure


@house_style()
def importance_bars(importances: Mapping[str, float]) -> Figure:
    """Draw the importance of each key as a bar, the highest on top."""
    figure = start_chart("", 5.0, 0.7 + 0.25 * len(importances))
    axis = figure.subplots()
    order = sorted(importances, key=lambda key: importances[key])
    names = short_names(importances)
    bars = axis.barh([names[key] for key in order], [importances[key] for key in order], color=BLUE)
    axis.bar_label(bars, fmt="%.2f", padding=3, color=MUTED)
    axis.set(xlabel="share of the metric's variance", xlim=(0, 1.1 * max(importances.values())))
    axis.grid(False)
    return figure


def importances(study: Study, trials: Trials) -> dict[str, float]:
    """Return the share of the metric's variance that each key explains, from Optuna's fANOVA.

    Hutter et al. 2014. The result is empty without Optuna, or if all trials have the same metric.
    """
    space = varied(study)
    metric = [trial.metrics[study.metric] for trial in trials.values()]
    if len(set(metric)) < 2 or not space or find_spec("optuna") is None:
        return {}
    import optuna  # optional, and slow to import

    kinds = optuna.distributions
    distributions: dict[str, Any] = {}
    for key, domain in space.items():
        match domain:
            case Choice(values) | Grid(values):
                distributions[key] = kinds.CategoricalDistribution([*map(as_text, values)])
            case Integer(low, high):
                distributions[key] = kinds.IntDistribution(low, high)
            case Uniform(low, high) | LogUniform(low, high):
                log = isinstance(domain, LogUniform)
                distributions[key] = kinds.FloatDistribution(low, high, log=log)
    frozen = [
        optuna.trial.create_trial(
            params={
                key: as_text(trial.values[key])
                if isinstance(domain, Choice | Grid)
                else trial.values[key]
                for key, domain in space.items()
            },
            distributions=distributions,
            value=value,
        )
        for trial, value in zip(trials.values(), metric, strict=True)
    ]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rebuilt = optuna.create_study()
    rebuilt.add_trials(frozen)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    shares = optuna.importance.get_param_importances(rebuilt, evaluator=evaluator)
    return {key: float(share) for key, share in shares.items()}


def _set_log_scale(axis: Axes, values: Collection[float]) -> None:
    if min(values) > 0 and max(values) >= WIDE * min(values):
        axis.set_yscale("log")
