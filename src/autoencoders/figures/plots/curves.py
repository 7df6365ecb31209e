"""Curves of the training history, and of the PSNR over the noise level."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autoencoders.figures.plots.style import BLUE, MUTED, ORANGE, PALETTE, house_style, start_chart

# Line styles differ too, because not all readers can distinguish the colours.
SPLITS = {"train": (BLUE, "-", "o"), "validation": (ORANGE, "--", "s")}
ABBREVIATIONS = {name: name.upper() for name in ("bce", "kl", "mse")}
MAX_MARKERS = 15  # epochs; longer curves have no markers
# The history also has the throughput, but that depends on the machine and differs between runs.
DIAGNOSTICS = ("learning_rate", "gradient_norm")
# Colour, marker and line style: of the network, then of the yardsticks.
LINES = tuple(zip((BLUE, ORANGE, *PALETTE[2:6]), "os^vDP", ("-", *["--"] * 5), strict=True))


@house_style()
def training_curves(
    history: pd.DataFrame,
    title: str,
    best_epoch: int | None = None,
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw one panel per loss term, with training and validation curves, then the diagnostics.

    Args:
        history: one row per epoch. Columns: `epoch`; `train_<term>` or `validation_<term>` or both
            for each term; optionally `learning_rate` and `gradient_norm`. Other columns and empty
            columns are not drawn.
        title: title of the figure.
        best_epoch: the epoch with the lowest validation loss, marked in the panels of loss terms.
        units: term or diagnostic → its unit, the label of the vertical axis.
    """
    history = history.dropna(axis="columns", how="all")
    terms = _terms(history)
    panels = [*terms, *(name for name in DIAGNOSTICS if name in history)]
    rows, columns = _grid(len(panels))
    figure = start_chart(title, 7.2 if columns > 2 else 5.0, 1.75 * rows + 0.3)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, axis in zip(panels, axes, strict=False):
        draw = _draw_term if panel in terms else _draw_diagnostic
        draw(axis, history, panel)
        if panel in terms and best_epoch is not None:
            axis.axvline(best_epoch, color=MUTED, linestyle=":", linewidth=1, label="best epoch")
        axis.set_title(ABBREVIATIONS.get(panel, panel.replace("_", " ")))
        axis.set_ylabel((units or {}).get(panel, ""))
        axis.set_xlabel("epoch")
        _set_epoch_ticks(axis, history["epoch"])
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    entries = _legend_entries(axes)
    figure.legend(entries.values(), entries.keys(), loc="outside lower left", ncols=len(entries))
    return figure


@house_style()
def noise_curves(
    levels: Sequence[float],
    psnr: Mapping[str, Sequence[float]],
    trained_on: tuple[float, float],
    title: str,
) -> Figure:
    """Draw the PSNR of the network and of each yardstick over the noise level.

    Args:
        levels: standard deviations of the noise `(S,)`, for pixels in [0, 1].
        psnr: name → PSNR in dB at each level; the network is first. From the seventh line on, the
            styles repeat.
        trained_on: lowest and highest noise level in training, which are marked; they may be equal.
        title: title of the figure.
    """
    figure = start_chart(title, 5.4, 3.2)
    axis = figure.subplots()
    if trained_on[0] == trained_on[1]:
        axis.axvline(trained_on[0], color=MUTED, linestyle=":", linewidth=1, label="training noise")
    else:
        axis.axvspan(*trained_on, color=MUTED, alpha=0.15, linewidth=0, label="training noise")
    for (name, values), (color, marker, dashes) in zip(psnr.items(), cycle(LINES)):
        axis.plot(levels, values, color=color, marker=marker, linestyle=dashes, label=name)
    axis.set_xlabel("standard deviation of the noise in the encoder input")
    axis.set_ylabel("PSNR (dB)")
    handles, names = axis.get_legend_handles_labels()
    figure.legend([*handles[1:], handles[0]], [*names[1:], names[0]], loc="outside right center")
    return figure


def _grid(panels: int) -> tuple[int, int]:
    """Return the numbers of rows and columns with the fewest empty cells."""
    columns = min((3, 4), key=lambda columns: -panels % columns) if panels > 3 else panels
    return -(-panels // columns), columns


def _terms(history: pd.DataFrame) -> list[str]:
    columns = (column.partition("_") for column in history.columns)
    return list(dict.fromkeys(term for split, _, term in columns if split in SPLITS))


def _draw_term(axis: Axes, history: pd.DataFrame, term: str) -> None:
    for split, (color, dashes, marker) in SPLITS.items():
        if f"{split}_{term}" in history:
            axis.plot(
                history["epoch"],
                history[f"{split}_{term}"],
                color=color,
                linestyle=dashes,
                marker=marker if len(history) <= MAX_MARKERS else "",
                label=split,
            )


def _draw_diagnostic(axis: Axes, history: pd.DataFrame, name: str) -> None:
    values = history[name]
    marker = "o" if len(history) <= MAX_MARKERS else ""
    axis.plot(history["epoch"], values, color=MUTED, marker=marker)
    if values.min() > 0 and values.max() >= 10 * values.min():
        axis.set_yscale("log")
    elif 0 < values.max() < float("inf"):
        axis.set_ylim(0, 1.1 * values.max())


def _set_epoch_ticks(axis: Axes, epochs: "pd.Series[int]") -> None:
    """Put ticks on whole epochs only, and widen the axis of a single epoch."""
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    if len(epochs) == 1:
        axis.set_xticks(epochs)
        axis.set_xlim(epochs.iloc[0] - 1, epochs.iloc[0] + 1)


def _legend_entries(axes: Iterable[Axes]) -> dict[str, Artist]:
    handles = (axis.get_legend_handles_labels() for axis in axes)
    return {label: handle for pair in handles for handle, label in zip(*pair, strict=True)}
