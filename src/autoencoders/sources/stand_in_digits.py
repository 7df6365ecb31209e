"""Stand-in digits, drawn as MNIST's were made.

Glyphs of the fonts that matplotlib ships are distorted, redrawn with a pen of another width, then
fitted into 20×20 pixels and centred by mass in 28×28 as MNIST's were (LeCun et al., 1998).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from autoencoders.sources.drawing import SIDE, Bools, Floats, Sheet, cover

GLYPH = 64  # side of a glyph's distance field, in glyph pixels
HEIGHT = 40  # of a digit, in glyph pixels
ENLARGED = 2  # points per glyph pixel, each way, when a glyph is measured
BOX = 20  # side of the box that a digit fits into, in the image's pixels

# Fonts whose centre lines are legible digits, and fonts whose curls and serifs spoil them.
STRAIGHT = (
    *("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSans-BoldOblique"),
    *("DejaVuSerif", "DejaVuSerif-Italic", "cmss10", "cmtt10"),
)
CURLY = (
    *("DejaVuSerif-Bold", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol"),
    *("STIXGeneralBolIta", "cmr10", "cmti10", "cmmi10", "cmb10"),
)
# Most people write a one as a plain stroke, which few fonts have among their digits.
PLAIN_ONES = (("DejaVuSans", "l"), ("DejaVuSans-Oblique", "l"), ("cmss10", "l"), ("cmss10", "/"))


def draw(label: int, sheet: Sheet) -> Floats:
    """Draw one class of digits, white on black: the light of each pixel, `(N, 28, 28)`, about 1."""
    fields, widths = _glyphs(label)
    chosen = sheet.rng.integers(len(fields), size=sheet.n)
    font_width = widths[chosen][:, None, None]
    half_width = np.maximum(sheet.normal(2.9, 0.75), 1.2)
    # Strokes may grow as they like, but the hairlines of a thin font must not vanish.
    pen = np.maximum(half_width - font_width, -0.3 * font_width)
    pressure = sheet.waves(3, longest=60, shortest=25)
    distort = _handwriting(sheet)

    def ink(x: Floats, y: Floats) -> Floats:
        u, v = distort(x, y)
        return _look_up(fields, chosen, u, v) + 0.35 * pressure(u, v) + pen

    x, y, pixel = _fit(sheet, ink)
    softness = sheet.uniform(0.9, 1.5)
    return cover(ink(x, y) / (pixel * softness)) * sheet.uniform(0.93, 1.06)


def _handwriting(sheet: Sheet) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    """Return a random map of the plane: an affine map followed by an elastic distortion."""
    turn, slant = sheet.normal(0, 0.12), sheet.normal(-0.12, 0.2)
    wide, high = np.exp(sheet.normal(0, 0.14)), np.exp(sheet.normal(0, 0.05))
    strength = sheet.uniform(0.8, 2.8)
    bend_x, bend_y = sheet.waves(4, 75, 35), sheet.waves(4, 75, 35)
    cos, sin = np.cos(turn), np.sin(turn)

    def distort(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        u = (cos * x - sin * y - slant * y) / wide
        v = (sin * x + cos * y) / high
        return u + strength * bend_x(x, y), v + strength * bend_y(x, y)

    return distort


def _fit(sheet: Sheet, ink: Callable[[Floats, Floats], Floats]) -> tuple[Floats, Floats, Floats]:
    """Fit the ink into a box of 20×20 pixels, its centre of mass at the image's centre.

    Returns:
        The coordinates at which to evaluate `ink`, and the size of an image's pixel in its units.
    """
    coarse = GLYPH / SIDE
    x, y = coarse * sheet.x, coarse * sheet.y
    black = cover(ink(x, y) / coarse)
    mass = black.sum((1, 2), keepdims=True)
    centre_x = (black * x).sum((1, 2), keepdims=True) / mass
    centre_y = (black * y).sum((1, 2), keepdims=True) / mass
    extent = np.maximum(_extent(black.max(1)), _extent(black.max(2)))[:, None, None] * coarse
    pixel = extent / BOX
    return centre_x + pixel * sheet.x, centre_y + pixel * sheet.y, pixel


def _extent(profile: Floats) -> Floats:
    """Return the length, in pixels, of each row's covered range: `(N, 28)` to `(N,)`."""
    covered = profile > 0.25
    first = covered.argmax(1)
    last = profile.shape[1] - covered[:, ::-1].argmax(1)
    return (last - first).astype(np.float32)


def _look_up(fields: Floats, chosen: npt.NDArray[np.intp], u: Floats, v: Floats) -> Floats:
    """Interpolate each image's own glyph bilinearly at `(N, H, W)` coordinates from its centre."""
    centre, last = (GLYPH - 1) / 2, GLYPH - 1.001  # short of the last: each point has a next one
    u, v = np.clip(u + centre, 0, last), np.clip(v + centre, 0, last)
    column, row = u.astype(np.int32), v.astype(np.int32)
    u -= column
    v -= row
    at = chosen[:, None, None].astype(np.int32) * (GLYPH * GLYPH) + row * GLYPH + column
    flat = fields.reshape(-1)
    upper = flat[at] * (1 - u) + flat[at + 1] * u
    lower = flat[at + GLYPH] * (1 - u) + flat[at + GLYPH + 1] * u
    return upper * (1 - v) + lower * v


@cache
def _glyphs(label: int) -> tuple[Floats, Floats]:
    """Return the distance fields `(G, 64, 64)` of a digit's glyphs and their strokes' half widths.

    Glyphs come with their font's own strokes, and those that stay legible so also as their centre
    line, drawn with a pen of constant width as a hand would. Half widths are in glyph pixels.
    """
    straight, curly = ([(font, str(label)) for font in fonts] for fonts in (STRAIGHT, CURLY))
    if label == 1:
        straight, curly = [*straight[::3], *2 * PLAIN_ONES], curly[::3]
    glyphs = np.stack([_glyph(font, text) for font, text in [*straight, *curly]])
    lines = _centre_line(glyphs[: len(straight)])
    strokes = [_shrink(_distance(glyph) - _distance(~glyph)) for glyph in glyphs]
    pens = 2 * [_shrink(-_distance(~line)) for line in lines]  # twice: about half of all images
    # Inside a stroke of half width h the mean distance from its edge is h / 2.
    widths = [2 * stroke[stroke > 0].mean() for stroke in strokes]
    fields = np.stack([*strokes, *pens]).astype(np.float32)
    return fields, np.array([*widths, *np.zeros(len(pens))], np.float32)


def _glyph(font: str, text: str) -> Bools:
    """Return which points a glyph covers, `(128, 128)`: centred by its extent."""
    path = Path(get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    pen = ImageFont.truetype(str(path), 60 * ENLARGED)
    left, top, right, bottom = pen.getbbox(text)
    glyph = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(glyph).text((-left, -top), text, fill=255, font=pen)
    height = HEIGHT * ENLARGED
    width = min(round(glyph.width * height / glyph.height), (GLYPH - 4) * ENLARGED)
    canvas = Image.new("L", (GLYPH * ENLARGED, GLYPH * ENLARGED))
    corner = ((canvas.width - width) // 2, (canvas.height - height) // 2)
    canvas.paste(glyph.resize((width, height), Image.Resampling.BICUBIC), corner)
    return np.asarray(canvas) > 127


def _distance(inside: Bools) -> npt.NDArray[np.float64]:
    """Return each inner point's distance from the outside, in glyph pixels."""
    return ndimage.distance_transform_edt(inside) / ENLARGED


def _shrink(field: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average the points of each glyph pixel."""
    return field.reshape(GLYPH, ENLARGED, GLYPH, ENLARGED).mean((1, 3))


def _centre_line(inside: Bools) -> Bools:
    """Thin shapes `(G, H, W)` to lines one point wide (Zhang & Suen, 1984)."""
    clockwise = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
    inside, before = inside.copy(), -1
    while before != (before := int(inside.sum())):
        for from_south_east in (True, False):
            ring = np.stack([np.roll(inside, shift, (1, 2)) for shift in clockwise])
            north, east, south, west = ring[::2]
            neighbours = ring.sum(0)
            runs = (~ring & np.roll(ring, -1, 0)).sum(0)
            if from_south_east:
                needed = east & south & (north | west)
            else:
                needed = north & west & (east | south)
            inside &= ~((neighbours >= 2) & (neighbours <= 6) & (runs == 1) & ~needed)
    return inside
