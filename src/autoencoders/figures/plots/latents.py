"""Figures of latent spaces: the plane of codes, the plane decoded, codes against their prior."""

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
    chart,
    families,
    house_style,
    sheet,
    text_size,
    to_rgb_pixels,
    wrap,
)

Codes = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

PLANE_WIDTH, PLANE_HEIGHTS = 5.0, (2.2, 3.9)  # inches for the points
LEGEND_WIDTH = 400  # pixels at which a class name is wrapped
ENTRY_GAP = 14  # pixels between two of them
MANIFOLD = 1200  # pixels that the longer side of a manifold may take
AXIS_WIDTH, AXIS_HEIGHT = 140, 110  # pixels left of and below it, for ticks and labels
PRIOR_MASSES = (0.5, 0.95)


def class_colours(labels: Labels, classes: int) -> list[str]:
    """Return the colour of each class; of many, the ten largest have one of their own."""
    sizes = np.bincount(labels, minlength=classes)
    largest = np.sort(np.argsort(-sizes, kind="stable")[: len(PALETTE)])
    own = dict(zip(largest.tolist(), PALETTE, strict=False))
    return [own.get(number, FRAME) for number in range(classes)]


def legend(names: Sequence[str], colours: Sequence[str]) -> list[tuple[str, str]]:
    """Return name and colour of the classes with one of their own, and of the others together."""
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
    """Draw two-dimensional codes as points coloured by class; of many classes, the ten largest.

    The view holds at least the middle 99.5 % of the points in each dimension; how many far outliers
    lie outside it is written below.

    Args:
        codes: `(N, 2)`.
        labels: class indices `(N,)` into `class_names`.
        class_names: where there are more than ten, all but the ten largest are grey.
        title: of the figure.
        axis_labels: what the two dimensions are.
    """
    colours = class_colours(labels, len(class_names))
    entries = legend(class_names, colours)
    limits = np.stack([_view(values) for values in codes.T])
    width, height = np.ptp(limits, axis=1)
    drawn = float(np.clip(PLANE_WIDTH * height / width, *PLANE_HEIGHTS))
    names = [wrap(name, LEGEND_WIDTH, SMALL_SIZE) for name, _ in entries]
    listed = sum(text_size(name, SMALL_SIZE)[1] + ENTRY_GAP for name in names)
    figure = chart(title, PLANE_WIDTH + 1.0, drawn + 0.7, beside=listed)
    axis = figure.subplots()
    # A fixed random order, or the last class drawn would hide the others.
    order = np.random.default_rng(0).permutation(len(codes))
    of_points = np.array(colours)[labels[order]]
    axis.scatter(codes[order, 0], codes[order, 1], s=3, c=of_points, linewidths=0)
    axis.set_aspect("equal")
    axis.set_xlim(limits[0])
    axis.set_ylim(limits[1])
    hidden = int(((codes < limits[:, 0]) | (codes > limits[:, 1])).any(axis=1).sum())
    note = f"\n{hidden:,} of {len(codes):,} points lie outside the view" if hidden else ""
    axis.set_xlabel(axis_labels[0] + note, linespacing=LINE_SPACING)
    axis.set_ylabel(wrap(axis_labels[1], round(drawn * DPI), TEXT_SIZE), linespacing=LINE_SPACING)
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="", markersize=5)
        for _, colour in entries
    ]
    shown = figure.legend(
        handles,
        names,
        loc="outside right center",
        prop={"family": families("".join(names)), "size": SMALL_SIZE},
    )
    for text in shown.get_texts():
        text.set_parse_math(False)  # a name may have $ in it
    return figure


@house_style()
def manifold(images: Images, z1: Codes, z2: Codes, title: str) -> Figure:
    """Draw images decoded on a grid of the latent plane as one seamless picture.

    Args:
        images: `(len(z2) * len(z1), C, H, W)`; number `row * len(z1) + column` is decoded from
            `(z1[column], z2[row])`.
        z1: increasing coordinates, drawn from left to right.
        z2: increasing coordinates, drawn from bottom to top.
        title: of the figure.
    """
    tiles = to_rgb_pixels(images)
    _, height, width, _ = tiles.shape
    rows, columns = len(z2), len(z1)
    picture = tiles.reshape(rows, columns, height, width, 3)[::-1].swapaxes(1, 2)
    picture = picture.reshape(rows * height, columns * width, 3)
    factor = max(1, MANIFOLD // max(picture.shape))
    picture = picture.repeat(factor, axis=0).repeat(factor, axis=1)

    figure, top = sheet(
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
    """Draw codes `(N, d)` against draws from the prior, in four views or three where d is 1.

    All entries pooled; mean and standard deviation of each dimension; the distance from the origin,
    which also shows what single dimensions cannot, that they depend on each other; and a plane of
    the codes with the circles that hold given shares of the prior in it.

    Args:
        codes: `(N, d)`.
        prior: as many draws from it as a smooth density takes, `(M, d)`.
        directions: of that plane, `(d, 2)`: the codes' two principal components, or for d = 2 the
            codes' own.
        title: of the figure.
    """
    figure = chart(title, 7.0, 5.9)
    entries, moments, distances, plane = figure.subplots(2, 2).ravel()
    _draw_entries(entries, codes, prior)
    _draw_moments(moments, codes, prior)
    _draw_distances(distances, codes, prior)
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
    """Return limits around all values, or around their bulk where outliers would dwarf it."""
    low, high = np.percentile(values, [0.25, 99.75])
    room = 0.1 * (high - low)
    low, high = max(low - room, values.min()), min(high + room, values.max())
    pad = 0.03 * (high - low) or 1.0
    return low - pad, high + pad


def _tile_ticks(values: Codes) -> tuple[Codes, list[str]]:
    """Return round values within `values`, as places counted in tiles and as words."""
    ticks = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(values[0], values[-1])
    ticks = ticks[(ticks >= values[0]) & (ticks <= values[-1])]
    places = np.interp(ticks, values, np.arange(len(values)) + 0.5)
    return places, [f"{tick:g}".replace("-", "−") for tick in ticks]


def _draw_entries(axis: Axes, codes: Codes, prior: Codes) -> None:
    entries = codes.ravel()
    reach = max(float(np.percentile(np.abs(values), 99.9)) for values in (entries, prior))
    _draw_densities(axis, entries, prior.ravel(), np.linspace(-1.2 * reach, 1.2 * reach, 81))
    axis.set_title("all entries")
    axis.set_xlabel(f"code entry\nmean {_number(entries.mean())}, std {_number(entries.std())}")


def _draw_moments(axis: Axes, codes: Codes, prior: Codes) -> None:
    axis.axvline(float(prior.mean()), color=ORANGE, linewidth=1)
    axis.axhline(float(prior.std()), color=ORANGE, linewidth=1)
    axis.scatter(codes.mean(axis=0), codes.std(axis=0), s=9, color=BLUE, alpha=0.8, linewidths=0)
    reach = max(0.5, 1.1 * float(np.abs(codes.mean(axis=0)).max()))
    axis.set_xlim(-reach, reach)
    axis.set_ylim(0, max(1.5, 1.1 * float(codes.std(axis=0).max())))
    axis.set_title("each dimension a point")
    axis.set_xlabel("mean")
    axis.set_ylabel("standard deviation")


def _draw_distances(axis: Axes, codes: Codes, prior: Codes) -> None:
    distances, of_prior = (np.linalg.norm(values, axis=1) for values in (codes, prior))
    low = min(float(np.percentile(values, 0.05)) for values in (distances, of_prior))
    high = max(float(np.percentile(values, 99.95)) for values in (distances, of_prior))
    _draw_densities(axis, distances, of_prior, np.linspace(low, high, 61))
    axis.set_title("distance from the origin")
    axis.set_xlabel("length of the code")


def _draw_densities(axis: Axes, ours: Codes, prior: Codes, bins: Codes) -> None:
    """Draw two histograms as densities of all values, also of those outside the bins."""
    for values, style in (
        (ours, {"fill": True, "color": BLUE, "alpha": 0.6}),
        (prior, {"color": ORANGE}),
    ):
        counts, _ = np.histogram(values, bins)
        axis.stairs(counts / len(values) / np.diff(bins), bins, **style)
    axis.set_ylabel("density")


def _draw_plane(axis: Axes, codes: Codes, prior: Codes, directions: Codes) -> None:
    plane, radii = codes @ directions, np.linalg.norm(prior @ directions, axis=1)
    axis.scatter(plane[:, 0], plane[:, 1], s=2, color=BLUE, alpha=0.4, linewidths=0)
    lengths = np.linalg.norm(plane, axis=1)
    shares = []
    for mass in PRIOR_MASSES:
        radius = float(np.quantile(radii, mass))
        axis.add_patch(Circle((0, 0), radius, fill=False, color=ORANGE, linewidth=1.2))
        shares.append(f"{np.mean(lengths <= radius):.0%} within the prior's {mass:.0%} circle")
    reach = max(3.5, float(np.percentile(np.abs(plane), 99.9)))
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_aspect("equal")
    names = ("$z_1$", "$z_2$") if codes.shape[1] == 2 else ("first component", "second component")
    axis.set_title("dimensions 1 and 2" if codes.shape[1] == 2 else "two principal components")
    axis.set_xlabel("\n".join([names[0], *shares]), linespacing=LINE_SPACING)
    axis.set_ylabel(names[1])


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
