"""Figures of latent spaces: codes in a plane, images decoded from a plane, codes and prior."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from autoencoders.figures.plots.style import (
    BLUE,
    DPI,
    FRAME,
    LINE_SPACING,
    MARGIN,
    ORANGE,
    PALETTE,
    SMALL_SIZE,
    TEXT_SIZE,
    Images,
    add_axes,
    font_families,
    house_style,
    start_chart,
    start_figure,
    text_size,
    to_rgb_pixels,
    wrap,
)

Codes = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

PLANE_WIDTH, PLANE_HEIGHTS = 5.0, (2.2, 3.9)  # width, and minimum and maximum height, in inches
LEGEND_WIDTH = 400  # pixels; longer class names are wrapped
ENTRY_GAP = 14  # pixels between two class names
MANIFOLD_SIDE = 1200  # maximum pixels of the longer side of a manifold
AXIS_WIDTH, AXIS_HEIGHT = 140, 110  # pixels for ticks and labels left of and below a manifold
PRIOR_MASSES = (0.5, 0.95)  # probabilities of the prior in its circles


def class_colours(labels: Labels, classes: int) -> list[str]:
    """Return a colour per class: grey for all but the ten largest classes of `labels` `(N,)`."""
    sizes = np.bincount(labels, minlength=classes)
    largest = np.sort(np.argsort(-sizes, kind="stable")[: len(PALETTE)])
    own = dict(zip(largest.tolist(), PALETTE, strict=False))
    return [own.get(number, FRAME) for number in range(classes)]


def legend_entries(names: Sequence[str], colours: Sequence[str]) -> list[tuple[str, str]]:
    """Return the name and colour of each class with a colour, and one entry for all others."""
    own = [(name, colour) for name, colour in zip(names, colours, strict=True) if colour != FRAME]
    others = len(names) - len(own)
    return [*own, (f"{others} other classes", FRAME)] if others else own


@house_style()
def latent_plane(
    codes: Codes,
    labels: Labels,
    class_names: Sequence[str],
    title: str,
    axis_labels: tuple[str, str] = ("$z_1$", "$z_2$"),
) -> Figure:
    """Draw two-dimensional codes as points coloured by class.

    The view contains at least the middle 99.5 % of the points in each dimension. The number of
    points outside is written below the plot.

    Args:
        codes: points `(N, 2)`.
        labels: class indices `(N,)` into `class_names`.
        class_names: names of the classes; of more than ten, all but the ten largest are grey.
        title: title of the figure.
        axis_labels: names of the two dimensions.
    """
    colours = class_colours(labels, len(class_names))
    entries = legend_entries(class_names, colours)
    limits = np.stack([_view(values) for values in codes.T])
    width, height = np.ptp(limits, axis=1)
    plot_height = float(np.clip(PLANE_WIDTH * height / width, *PLANE_HEIGHTS))
    names = [wrap(name, LEGEND_WIDTH, SMALL_SIZE) for name, _ in entries]
    legend_height = sum(text_size(name, SMALL_SIZE)[1] + ENTRY_GAP for name in names)
    figure = start_chart(title, PLANE_WIDTH + 1.0, plot_height + 0.7, legend_height=legend_height)
    axis = figure.subplots()
    # In a fixed random order, so that no class hides the others.
    order = np.random.default_rng(0).permutation(len(codes))
    point_colours = np.array(colours)[labels[order]]
    axis.scatter(codes[order, 0], codes[order, 1], s=3, c=point_colours, linewidths=0)
    axis.set_aspect("equal")
    axis.set_xlim(limits[0])
    axis.set_ylim(limits[1])
    hidden = int(((codes < limits[:, 0]) | (codes > limits[:, 1])).any(axis=1).sum())
    note = f"\n{hidden:,} of {len(codes):,} points lie outside the view" if hidden else ""
    axis.set_xlabel(axis_labels[0] + note, linespacing=LINE_SPACING)
    axis.set_ylabel(
        wrap(axis_labels[1], round(plot_height * DPI), TEXT_SIZE), linespacing=LINE_SPACING
    )
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="", markersize=5)
        for _, colour in entries
    ]
    legend = figure.legend(
        handles,
        names,
        loc="outside right center",
        prop={"family": font_families("".join(names)), "size": SMALL_SIZE},
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may contain $
    return figure


@house_style()
def manifold(images: Images, z1: Codes, z2: Codes, title: str) -> Figure:
    """Draw images decoded on a grid of the latent plane as one picture without gaps.

    Args:
        images: `(len(z2) * len(z1), C, H, W)`; image `row * len(z1) + column` is decoded from
            `(z1[column], z2[row])`.
        z1: increasing coordinates `(columns,)`, drawn from left to right.
        z2: increasing coordinates `(rows,)`, drawn from bottom to top.
        title: title of the figure.
    """
    tiles = to_rgb_pixels(images)
    _, height, width, _ = tiles.shape
    rows, columns = len(z2), len(z1)
    picture = tiles.reshape(rows, columns, height, width, 3)[::-1].swapaxes(1, 2)
    picture = picture.reshape(rows * height, columns * width, 3)
    factor = max(1, MANIFOLD_SIDE // max(picture.shape))
    picture = picture.repeat(factor, axis=0).repeat(factor, axis=1)

    figure, top = start_figure(
        title, AXIS_WIDTH + picture.shape[1] + MARGIN, picture.shape[0] + AXIS_HEIGHT
    )
    axis = add_axes(figure, AXIS_WIDTH, top, picture.shape[1], picture.shape[0])
    axis.imshow(picture, extent=(0, columns, 0, rows), interpolation="none", aspect="auto")
    axis.grid(False)
    axis.set_xticks(*_tile_ticks(z1))
    axis.set_yticks(*_tile_ticks(z2))
    axis.set_xlabel("$z_1$")
    axis.set_ylabel("$z_2$")
    return figure


@house_style()
def code_distribution(codes: Codes, prior: Codes, directions: Codes, title: str) -> Figure:
    """Draw the distribution of codes and of the prior in four plots, or three if d is 1.

    The plots show: all entries of the codes; the mean and standard deviation of each dimension; the
    norms of the codes, which also reveal dependence between dimensions; and the codes projected to
    a plane, with circles that contain 50 % and 95 % of the prior.

    Args:
        codes: codes of images `(N, d)`.
        prior: samples of the prior `(M, d)`; many samples give a smooth density.
        directions: directions `(d, 2)` that span the plane: the codes' first two principal
            directions, or the axes if d is 2.
        title: title of the figure.
    """
    figure = start_chart(title, 7.0, 5.9)
    entries, moments, norms, plane = figure.subplots(2, 2).ravel()
    _draw_entries(entries, codes, prior)
    _draw_moments(moments, codes, prior)
    _draw_norms(norms, codes, prior)
    if codes.shape[1] > 1:
        _draw_plane(plane, codes, prior, directions)
    else:
        plane.set_visible(False)
    handles = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", label="codes"),
        Line2D([], [], color=ORANGE, label="prior"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    return figure


def _view(values: Codes) -> tuple[float, float]:
    """Return limits around all values, or around the middle 99.5 % if outliers are far away."""
    low, high = np.percentile(values, [0.25, 99.75])
    room = 0.1 * (high - low)
    low, high = max(low - room, values.min()), min(high + room, values.max())
    pad = 0.03 * (high - low) or 1.0
    return low - pad, high + pad


def _tile_ticks(values: Codes) -> tuple[Codes, list[str]]:
    """Return round values in the range of `values`, as positions in tiles and as labels."""
    ticks = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(values[0], values[-1])
    ticks = ticks[(ticks >= values[0]) & (ticks <= values[-1])]
    places = np.interp(ticks, values, np.arange(len(values)) + 0.5)
    return places, [f"{tick:g}".replace("-", "−") for tick in ticks]


def _draw_entries(axis: Axes, codes: Codes, prior: Codes) -> None:
    entries = codes.ravel()
    reach = max(float(np.percentile(np.abs(values), 99.9)) for values in (entries, prior))
    _draw_densities(axis, entries, prior.ravel(), np.linspace(-1.2 * reach, 1.2 * reach, 81))
    axis.set_title("all code entries")
    axis.set_xlabel(f"code entry\nmean {_number(entries.mean())}, std {_number(entries.std())}")


def _draw_moments(axis: Axes, codes: Codes, prior: Codes) -> None:
    axis.axvline(float(prior.mean()), color=ORANGE, linewidth=1)
    axis.axhline(float(prior.std()), color=ORANGE, linewidth=1)
    axis.scatter(codes.mean(axis=0), codes.std(axis=0), s=9, color=BLUE, alpha=0.8, linewidths=0)
    reach = max(0.5, 1.1 * float(np.abs(codes.mean(axis=0)).max()))
    axis.set_xlim(-reach, reach)
    axis.set_ylim(0, max(1.5, 1.1 * float(codes.std(axis=0).max())))
    axis.set_title("one point per dimension")
    axis.set_xlabel("mean")
    axis.set_ylabel("standard deviation")


def _draw_norms(axis: Axes, codes: Codes, prior: Codes) -> None:
    norms, prior_norms = (np.linalg.norm(values, axis=1) for values in (codes, prior))
    low = min(float(np.percentile(values, 0.05)) for values in (norms, prior_norms))
    high = max(float(np.percentile(values, 99.95)) for values in (norms, prior_norms))
    _draw_densities(axis, norms, prior_norms, np.linspace(low, high, 61))
    axis.set_title("distance from the origin")
    axis.set_xlabel("norm of the code")


def _draw_densities(axis: Axes, codes: Codes, prior: Codes, bins: Codes) -> None:
    """Draw two histograms as densities; values outside the bins count in the total."""
    for values, style in (
        (codes, {"fill": True, "color": BLUE, "alpha": 0.6}),
        (prior, {"color": ORANGE}),
    ):
        counts, _ = np.histogram(values, bins)
        axis.stairs(counts / len(values) / np.diff(bins), bins, **style)
    axis.set_ylabel("density")


def _draw_plane(axis: Axes, codes: Codes, prior: Codes, directions: Codes) -> None:
    plane, radii = codes @ directions, np.linalg.norm(prior @ directions, axis=1)
    axis.scatter(plane[:, 0], plane[:, 1], s=2, color=BLUE, alpha=0.4, linewidths=0)
    norms = np.linalg.norm(plane, axis=1)
    shares = []
    for mass in PRIOR_MASSES:
        radius = float(np.quantile(radii, mass))
        axis.add_patch(Circle((0, 0), radius, fill=False, color=ORANGE, linewidth=1.2))
        shares.append(f"{np.mean(norms <= radius):.0%} of codes in the prior's {mass:.0%} circle")
    reach = max(3.5, float(np.percentile(np.abs(plane), 99.9)))
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_aspect("equal")
    names = (
        ("$z_1$", "$z_2$")
        if codes.shape[1] == 2
        else ("first principal component", "second principal component")
    )
    axis.set_title(
        "dimensions 1 and 2" if codes.shape[1] == 2 else "first two principal components"
    )
    axis.set_xlabel("\n".join([names[0], *shares]), linespacing=LINE_SPACING)
    axis.set_ylabel(names[1])


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
