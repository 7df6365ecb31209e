"""How every figure looks and is written: fonts, colours, layout in pixels, deterministic PNGs.

Figures are plain `matplotlib.figure.Figure` objects drawn by Agg; pyplot and its global state are
never touched, and a user's own matplotlibrc has no influence.
"""

import functools
import io
import warnings
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unicodedata import category

import matplotlib.style
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from PIL import Image

from autoencoders.errors import warn
from autoencoders.files import atomic_file

Pixels = npt.NDArray[np.uint8]
Images = npt.NDArray[np.float32]

DPI = 200
MANY_COLOURS = 2**16  # photographs': 256 cannot stand for them; to find that out takes minutes
PALETTE_ERROR = 32  # levels of 256 that a colour may be off for the sake of a smaller file
MARGIN = 24  # pixels between the edge of a figure and what stands in it
NARROW = 600  # pixels; a narrower figure is widened if its title needs it
TITLE_SIZE = 10.0  # points, as all font sizes
TEXT_SIZE = 8.0
SMALL_SIZE = 7.0
LINE_SPACING = 1.25
FAMILY = "DejaVu Sans"
LAST_RESORT = "Last Resort"  # matplotlib's own font of boxes
WHITE = " \t\n"

INK = "#1a1a1a"
MUTED = "#5c5c5c"
FRAME = "#c8c8c8"
WARNING = "#9c2a00"
BLUE = "#3f90da"
ORANGE = "#e76300"
# Ten colours to be told apart in scatter plots, also with a colour vision deficiency:
# Petroff, "Accessible Color Sequences for Data Visualization", arXiv 2107.02270.
PALETTE = (
    BLUE,
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    ORANGE,
    "#b9ac70",
    "#717581",
    "#92dadd",
)

_STYLE: dict[str, object] = {
    "figure.dpi": DPI,
    "font.family": FAMILY,
    "font.size": TEXT_SIZE,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-7, 7),
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.labelsize": SMALL_SIZE,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "legend.fontsize": SMALL_SIZE,
    "legend.frameon": False,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw under the project's style and no other setting; it decorates functions too."""
    with matplotlib.style.context(_STYLE, after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")  # `families` says it once
        yield


def drawable_text(text: str) -> str:
    """Return people's `text` as it can be drawn, and seen: what has no shape as its code."""
    seen = "".join(
        c if c.isprintable() or c in WHITE else "" if category(c) == "Cf" else _code(c)
        for c in text
    )
    return seen if seen.strip() else f"‘{''.join(map(_code, text))}’"


def _code(character: str) -> str:
    return character if character == " " else character.encode("unicode_escape").decode()


def families(text: str) -> list[str]:
    """Return the fonts to draw `text` with, in the order in which a letter is looked for in them.

    Those of this machine beside our own where they have letters that ours lacks. What none has is
    drawn as a box, which is said once.
    """
    fonts, missing = _covering(frozenset(text) - frozenset(WHITE))
    if missing:
        _say_missing()
    return fonts


@functools.cache
def _covering(letters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return fonts that cover `letters` as far as any do, and those that none has."""
    ours = [FontProperties(family=FAMILY, weight=weight) for weight in ("normal", "bold")]
    missing = letters - frozenset.intersection(*(_letters(findfont(font)) for font in ours))
    fonts = [FAMILY]
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        if font.style != "normal" or font.name.startswith(LAST_RESORT):
            continue
        if missing and (found := missing & _letters(font.fname)):
            fonts.append(font.name)
            missing -= found
    return list(dict.fromkeys(fonts)), missing


@functools.cache
def _letters(path: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, get_font(path).get_charmap()))
    except (OSError, RuntimeError):  # of pictures, or damaged: matplotlib cannot draw with it
        return frozenset()


@functools.cache
def _say_missing() -> None:
    warn(
        "no font on this machine has all letters of the names: boxes stand for them in figures; "
        "install one that has them, such as Noto"
    )


@functools.cache
def text_size(text: str, size: float, weight: str = "normal") -> tuple[int, int]:
    """Return the (width, height) in pixels that `text` takes at `size` points."""
    figure = Figure(figsize=(1, 1), dpi=DPI)
    artist = figure.text(
        *(0, 0, text),
        fontsize=size,
        fontweight=weight,
        fontfamily=families(text),
        linespacing=LINE_SPACING,
        parse_math=False,
    )
    box = artist.get_window_extent()
    return int(np.ceil(box.width)), int(np.ceil(box.height))


def wrap(text: str, width: int, size: float, weight: str = "normal") -> str:
    """Break `drawable_text(text)` at spaces into lines of at most `width` pixels."""

    def fits(line: str) -> bool:
        return text_size(line, size, weight)[0] <= width

    lines: list[str] = []
    for paragraph in drawable_text(text).split("\n") if text else [""]:
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and not fits(longer):
                lines.append(line)
                longer = word
            line = longer
            while not fits(line) and len(line) > 1:
                start = bisect(range(2, len(line)), False, key=lambda end: not fits(line[:end])) + 1
                lines.append(line[:start])
                line = line[start:]
        lines.append(line)
    return "\n".join(lines).strip()


def sheet(title: str, width: int, height: int) -> tuple[Figure, int]:
    """Start a figure with its title, for things placed by pixel.

    Args:
        title: wrapped where it is wider than the figure.
        width: of the figure, in pixels; a very narrow one is widened for the title's sake.
        height: of what will stand under the title, in pixels.

    Returns:
        The figure, and the distance in pixels from its top edge to the free space under the title.
    """
    lines = wrap(title, max(width, NARROW) - 2 * MARGIN, TITLE_SIZE, "bold")
    title_width, title_height = text_size(lines, TITLE_SIZE, "bold")
    width = max(width, title_width + 2 * MARGIN)
    top = title_height + 2 * MARGIN if lines else MARGIN
    figure = Figure(figsize=(width / DPI, (top + height) / DPI), dpi=DPI)
    place_text(figure, lines, MARGIN, MARGIN, size=TITLE_SIZE, weight="bold", vertical="top")
    return figure, top


def chart(title: str, width: float, height: float, beside: int = 0) -> Figure:
    """Start a figure with its title, for axes that matplotlib lays out: sizes in inches.

    `beside` is how many pixels high a legend is, at the side in the middle of the whole figure:
    this is made so high that the title does not reach down to it.
    """
    pixels = round(height * DPI)
    if beside:
        _, top = sheet(title, round(width * DPI), pixels)
        pixels = max(pixels, beside + top)
    figure, top = sheet(title, round(width * DPI), pixels)
    side, below = MARGIN / figure.bbox.width, MARGIN / figure.bbox.height
    free = 1 - top / figure.bbox.height - below
    figure.set_layout_engine(
        "constrained",
        rect=(side, below, 1 - 2 * side, free),
        w_pad=0,
        h_pad=0.02,
        hspace=0.06,
        wspace=0.06,
    )
    return figure


def place_text(
    figure: Figure,
    text: str,
    left: float,
    top: float,
    *,
    size: float = TEXT_SIZE,
    weight: str = "normal",
    color: str = INK,
    horizontal: str = "left",
    vertical: str = "center",
) -> None:
    """Write `text` at pixels counted from the top left corner of the figure."""
    figure.text(
        left / figure.bbox.width,
        1 - top / figure.bbox.height,
        text,
        fontsize=size,
        fontweight=weight,
        color=color,
        ha=horizontal,
        va=vertical,
        fontfamily=families(text),
        linespacing=LINE_SPACING,
        parse_math=False,  # a name may have $ in it
    )


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at pixels counted from the top left corner of the figure."""
    across, down = figure.bbox.width, figure.bbox.height
    place = left / across, 1 - (top + height) / down, width / across, height / down
    return figure.add_axes(place)


def place_pixels(figure: Figure, pixels: Pixels, left: int, top: int) -> Axes:
    """Show RGB `pixels` (H, W, 3), one for one, at pixels from the figure's top left corner."""
    height, width = pixels.shape[:2]
    axes = add_axes(figure, left, top, width, height)
    axes.imshow(pixels, interpolation="none", aspect="auto")
    axes.set_axis_off()
    return axes


def to_bytes(images: Images) -> Pixels:
    """Turn images in [0, 1], clipped to that, into bytes of the same shape."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def to_rgb_pixels(images: Images) -> Pixels:
    """Turn images (N, C, H, W) in [0, 1], C being 1 or 3, into 8-bit RGB (N, H, W, 3)."""
    levels = to_bytes(images)
    return np.broadcast_to(levels, (len(levels), 3, *levels.shape[2:])).transpose(0, 2, 3, 1)


def save(figure: Figure, path: Path, source: str) -> None:
    """Write `figure` as a PNG, atomically and with the same bytes for the same figure.

    Args:
        figure: left as it is.
        path: of the PNG file.
        source: where the data came from; for `stand-in` a band that says so is put on top.
    """
    pixels = _rendered(figure)
    if source == "stand-in":
        pixels = np.concatenate([_stand_in_band(pixels.shape[1]), pixels])
    with atomic_file(path) as temporary:
        image = _smallest_mode(pixels)
        image.save(temporary, format="PNG", dpi=(DPI, DPI))  # 4 % smaller takes six times as long


def _rendered(figure: Figure) -> Pixels:
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="rgba", dpi=DPI)
    width, height = figure.canvas.get_width_height()
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]


def _stand_in_band(width: int) -> Pixels:
    words = "stand-in data"
    with house_style():
        height = text_size(words, TEXT_SIZE, "bold")[1] + MARGIN
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="#ffe3d6")
        place_text(figure, words, MARGIN, height / 2, weight="bold", color=WARNING)
    return _rendered(figure)


def _smallest_mode(pixels: Pixels) -> Image.Image:
    """Return a grey image where all is grey, a palette one where that is near enough, else RGB."""
    image = Image.fromarray(pixels)
    if np.ptp(pixels, axis=2).max() == 0:
        return image.convert("L")
    if image.getcolors(MANY_COLOURS) is None:
        return image
    reduced = image.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    error = np.abs(np.asarray(reduced.convert("RGB"), np.int16) - pixels).max()
    return reduced if error <= PALETTE_ERROR else image
