"""The style of all figures: fonts, colours, layout in pixels, deterministic PNG files.

Figures are `matplotlib.figure.Figure` objects, drawn by Agg. They do not use pyplot, which has a
global state, or the user's matplotlibrc.
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
MANY_COLOURS = 2**16  # more are not reduced to 256, which takes minutes and is too inaccurate
PALETTE_ERROR = 32  # maximum error, in levels of 256, of a picture reduced to 256 colours
MARGIN = 24  # pixels between the edge of a figure and its content
NARROW = 600  # pixels; a narrower figure is widened for a long title
TITLE_SIZE = 10.0  # points, as all font sizes
TEXT_SIZE = 8.0
SMALL_SIZE = 7.0
LINE_SPACING = 1.25
FAMILY = "DejaVu Sans"
LAST_RESORT = "Last Resort"  # matplotlib's font of placeholder boxes
WHITE_SPACE = " \t\n"

INK = "#1a1a1a"
MUTED = "#5c5c5c"
FRAME = "#c8c8c8"
WARNING = "#9c2a00"
BLUE = "#3f90da"
ORANGE = "#e76300"
# Ten colours that readers can distinguish in scatter plots, also with colour vision deficiency:
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
    """Apply the project's style and no other settings, as a context or as a decorator."""
    with matplotlib.style.context(_STYLE, after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")  # see `font_families`
        yield


def drawable_text(text: str) -> str:
    """Return `text` with an escape code in place of each character that cannot be printed."""
    printable = "".join(
        c if c.isprintable() or c in WHITE_SPACE else "" if category(c) == "Cf" else _code(c)
        for c in text
    )
    return printable if printable.strip() else f"‘{''.join(map(_code, text))}’"


def _code(character: str) -> str:
    return character if character == " " else character.encode("unicode_escape").decode()


def font_families(text: str) -> list[str]:
    """Return the fonts for `text`, in the order in which matplotlib searches them for a letter.

    The project's font is first. If it lacks letters of the text, other installed fonts follow.
    Letters that no font has are drawn as boxes, with one warning.
    """
    fonts, missing = _covering_fonts(frozenset(text) - frozenset(WHITE_SPACE))
    if missing:
        _warn_missing_letters()
    return fonts


@functools.cache
def _covering_fonts(letters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return fonts that cover as many of the `letters` as possible, and the remaining letters."""
    own_fonts = [FontProperties(family=FAMILY, weight=weight) for weight in ("normal", "bold")]
    missing = letters - frozenset.intersection(*(_letters(findfont(font)) for font in own_fonts))
    fonts = [FAMILY]
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        if font.style != "normal" or font.name.startswith(LAST_RESORT):
            continue
        if missing and (added := missing & _letters(font.fname)):
            fonts.append(font.name)
            missing -= added
    return list(dict.fromkeys(fonts)), missing


@functools.cache
def _letters(path: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, get_font(path).get_charmap()))
    except (OSError, RuntimeError):  # a bitmap font or a damaged file: matplotlib cannot use it
        return frozenset()


@functools.cache
def _warn_missing_letters() -> None:
    warn(
        "figures: no font on this machine has all letters of the names, so boxes replace them; "
        "install a font that has them, such as Noto"
    )


@functools.cache
def text_size(text: str, size: float, weight: str = "normal") -> tuple[int, int]:
    """Return the width and height in pixels of `text` at `size` points."""
    figure = Figure(figsize=(1, 1), dpi=DPI)
    artist = figure.text(
        *(0, 0, text),
        fontsize=size,
        fontweight=weight,
        fontfamily=font_families(text),
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


def start_figure(title: str, width: int, height: int) -> tuple[Figure, int]:
    """Return a figure with its title, for content that is placed by pixels.

    Args:
        title: title of the figure; it is wrapped if it is too wide.
        width: width of the figure in pixels; a very narrow figure is widened for its title.
        height: height in pixels of the space below the title.

    Returns:
        The figure, and the distance in pixels from its top edge to the space below the title.
    """
    lines = wrap(title, max(width, NARROW) - 2 * MARGIN, TITLE_SIZE, "bold")
    title_width, title_height = text_size(lines, TITLE_SIZE, "bold")
    width = max(width, title_width + 2 * MARGIN)
    top = title_height + 2 * MARGIN if lines else MARGIN
    figure = Figure(figsize=(width / DPI, (top + height) / DPI), dpi=DPI)
    place_text(figure, lines, MARGIN, MARGIN, size=TITLE_SIZE, weight="bold", vertical="top")
    return figure, top


def start_chart(title: str, width: float, height: float, legend_height: int = 0) -> Figure:
    """Return a figure with its title, for axes that matplotlib places.

    Args:
        title: title of the figure.
        width: width of the figure in inches.
        height: minimum height in inches of the space below the title.
        legend_height: height in pixels of a legend at the side; it must not overlap the title.
    """
    pixels = round(height * DPI)
    if legend_height:
        _, top = start_figure(title, round(width * DPI), pixels)
        pixels = max(pixels, legend_height + top)
    figure, top = start_figure(title, round(width * DPI), pixels)
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
    """Write `text` at a position in pixels from the top left corner of the figure."""
    figure.text(
        left / figure.bbox.width,
        1 - top / figure.bbox.height,
        text,
        fontsize=size,
        fontweight=weight,
        color=color,
        ha=horizontal,
        va=vertical,
        fontfamily=font_families(text),
        linespacing=LINE_SPACING,
        parse_math=False,  # a name may contain $
    )


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a position in pixels from the top left corner of the figure."""
    total_width, total_height = figure.bbox.width, figure.bbox.height
    bottom = 1 - (top + height) / total_height
    return figure.add_axes((left / total_width, bottom, width / total_width, height / total_height))


def place_pixels(figure: Figure, pixels: Pixels, left: int, top: int) -> Axes:
    """Draw RGB `pixels` (H, W, 3) unscaled, at pixels from the figure's top left corner."""
    height, width = pixels.shape[:2]
    axes = add_axes(figure, left, top, width, height)
    axes.imshow(pixels, interpolation="none", aspect="auto")
    axes.set_axis_off()
    return axes


def to_bytes(images: Images) -> Pixels:
    """Return images of any shape, clipped to [0, 1], as bytes of the same shape."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def to_rgb_pixels(images: Images) -> Pixels:
    """Return images (N, C, H, W) in [0, 1], where C is 1 or 3, as 8-bit RGB (N, H, W, 3)."""
    levels = to_bytes(images)
    return np.broadcast_to(levels, (len(levels), 3, *levels.shape[2:])).transpose(0, 2, 3, 1)


def save(figure: Figure, path: Path, source: str) -> None:
    """Write `figure` as a PNG file, atomically; equal figures give equal bytes.

    Args:
        figure: the figure; it is not changed.
        path: path of the PNG file.
        source: source of the data; for `stand-in`, a band with a warning is added at the top.
    """
    pixels = _rendered(figure)
    if source == "stand-in":
        pixels = np.concatenate([_stand_in_band(pixels.shape[1]), pixels])
    with atomic_file(path) as temporary:
        image = _smallest_mode(pixels)
        image.save(
            temporary, format="PNG", dpi=(DPI, DPI)
        )  # `optimize` saves 4 % and takes six times as long


def _rendered(figure: Figure) -> Pixels:
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="rgba", dpi=DPI)
    width, height = figure.canvas.get_width_height()
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]


def _stand_in_band(width: int) -> Pixels:
    text = "stand-in data"
    with house_style():
        height = text_size(text, TEXT_SIZE, "bold")[1] + MARGIN
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="#ffe3d6")
        place_text(figure, text, MARGIN, height / 2, weight="bold", color=WARNING)
    return _rendered(figure)


def _smallest_mode(pixels: Pixels) -> Image.Image:
    """Return a grey image if all pixels are grey, or a palette image if it is accurate, or RGB."""
    image = Image.fromarray(pixels)
    if np.ptp(pixels, axis=2).max() == 0:
        return image.convert("L")
    if image.getcolors(MANY_COLOURS) is None:
        return image
    reduced = image.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    error = np.abs(np.asarray(reduced.convert("RGB"), np.int16) - pixels).max()
    return reduced if error <= PALETTE_ERROR else image
