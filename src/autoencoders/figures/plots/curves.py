"""Curves: of training, from the history that it leaves behind, and of quality under noise."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autoencoders.figures.plots.style import BLUE, MUTED, ORANGE, PALETTE, chart, house_style

SPLITS = {"train": (BLUE, "-", "o"), "validation": (ORANGE, "--", "s")}  # never by colour alone
MARKED = 15  # epochs up to which each is a marked point
# Throughput stands in the history too, but it tells of the machine and differs from run to run.
DIAGNOSTICS = ("learning_rate", "gradient_norm")
# The network's line, and then the yardsticks', never told apart by colour alone.
LINES = tuple(zip((BLUE, ORANGE, *PALETTE[2:6]), "os^vDP", ("-", *["--"] * 5), strict=True))


@house_style()
def training_curves(
    history: pd.DataFrame,
    title: str,
    best_epoch: int | None = None,
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw one panel per term of the loss, training and validation in one, then the diagnostics.

    Args:
        history: one row per epoch. Columns: `epoch`; `train_<term>` and `validation_<term>` for
            any terms, either of which may be missing; `learning_rate` and `gradient_norm` where
            there are such. Other columns, and those without any value, are not drawn.
        title: of the figure.
        best_epoch: the epoch whose weights were kept, marked in every panel of a term.
        units: term or diagnostic → its unit, written on its panel.
    """
    history = history.dropna(axis="columns", how="all")
    terms = _terms(history)
    panels = [*terms, *(name for name in DIAGNOSTICS if name in history)]
    rows, columns = _grid(len(panels))
    figure = chart(title, 7.2 if columns > 2 else 5.0, 1.75 * rows + 0.3)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, axis in zip(panels, axes, strict=False):
        draw = _draw_term if panel in terms else _draw_diagnostic
        draw(axis, history, panel)
        if panel in terms and best_epoch is not None:
            axis.axvline(best_epoch, color=MUTED, linestyle=":", linewidth=1, label="best epoch")
        axis.set_title(panel.replace("_", " "))
        axis.set_ylabel((units or {}).get(panel, ""))
        axis.set_xlabel("epoch")
        _count_epochs(axis, history["epoch"])
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
    """Draw one line per way back from a noisy input: its PSNR over the noise's size.

    Args:
        levels: standard deviations of the noise `(S,)`, for pixels in [0, 1].
        psnr: what predicts → its PSNR in dB at each level; the network first. More than six lines
            look like the first ones again.
        trained_on: between which levels the network was trained, marked; both may be the same.
        title: of the figure.
    """
    figure = chart(title, 5.4, 3.2)
    axis = figure.subplots()
    if trained_on[0] == trained_on[1]:
        axis.axvline(trained_on[0], color=MUTED, linestyle=":", linewidth=1, label="trained on")
    else:
        axis.axvspan(*trained_on, color=MUTED, alpha=0.15, linewidth=0, label="trained on")
    for (name, values), (color, marker, dashes) in zip(psnr.items(), cycle(LINES)):
        axis.plot(levels, values, color=color, marker=marker, linestyle=dashes, label=name)
    axis.set_xlabel("standard deviation of the noise on what the encoder sees")
    axis.set_ylabel("PSNR, dB")
    handles, names = axis.get_legend_handles_labels()
    figure.legend([*handles[1:], handles[0]], [*names[1:], names[0]], loc="outside right center")
    return figure


def _grid(panels: int) -> tuple[int, int]:
    """Return the (rows, columns) that leave the fewest places empty."""
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
                marker=marker if len(history) <= MARKED else "",
                label=split,
            )


def _draw_diagnostic(axis: Axes, history: pd.DataFrame, name: str) -> None:
    values = history[name]
    marker = "o" if len(history) <= MARKED else ""
    axis.plot(history["epoch"], values, color=MUTED, marker=marker)
    if values.min() > 0 and values.max() >= 10 * values.min():
        axis.set_yscale("log")
    elif 0 < values.max() < float("inf"):
        axis.set_ylim(0, 1.1 * values.max())


def _count_epochs(axis: Axes, epochs: "pd.Series[int]") -> None:
    """Tick whole epochs only, and give a single one some room."""
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    if len(epochs) == 1:
        axis.set_xticks(epochs)
        axis.set_xlim(epochs.iloc[0] - 1, epochs.iloc[0] + 1)


def _legend_entries(axes: Iterable[Axes]) -> dict[str, Artist]:
    handles = (axis.get_legend_handles_labels() for axis in axes)
    return {label: handle for pair in handles for handle, label in zip(*pair, strict=True)}
