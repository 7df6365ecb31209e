"""Images that stand in for MNIST and FashionMNIST where the official files cannot be had.

Both are drawn, a few hundred images at a time, from signed distance fields: one number per pixel,
positive inside the shape, in pixels. A union of shapes is then a maximum, a cut a minimum, an
antialiased edge `clip(field + 0.5, 0, 1)`, and a pen's width is added to the field.

Digits are glyphs of the fonts that matplotlib ships, distorted, redrawn with a pen of another
width, then fitted into 20×20 pixels and centred by mass in 28×28 as MNIST's were (LeCun et al.,
1998). Garments are silhouettes of random proportions with folds, patterns, seams and fastenings.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

Floats = npt.NDArray[np.floating[Any]]
Bytes = npt.NDArray[np.uint8]
Value = Floats | float

SIDE = 28
CHUNK = 500  # images drawn at once: the arrays of one chunk stay in the processor's cache


def generate(dataset: str, n_images: int, seed: int) -> tuple[Bytes, Bytes]:
    """Draw stand-in images, the classes balanced to within one image and in random order.

    The result depends on the three arguments alone, not on NumPy's global generator.

    Args:
        dataset: `mnist` or `fashion_mnist`.
        n_images: how many images, of all classes together.
        seed: a non-negative integer; other seeds give other images.

    Returns:
        Images `(N, 28, 28)` and labels `(N,)`, both uint8.
    """
    draw = {"mnist": _draw_digits, "fashion_mnist": _draw_garments}[dataset]
    rng = np.random.default_rng([seed, zlib.crc32(dataset.encode())])
    labels = rng.permutation(np.arange(n_images) % 10).astype(np.uint8)
    images = np.empty((n_images, SIDE, SIDE), np.uint8)
    for label in range(10):
        for places in _chunks(np.flatnonzero(labels == label)):
            grey = draw(label, Sheet(rng, len(places)))
            images[places] = np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)
    return images, labels


def _chunks(places: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]


class Sheet:
    """N empty images side by side, and the random numbers to draw on them.

    `x` and `y` are the pixels' coordinates, `(1, 28, 28)`, in pixels from the image's centre,
    x to the right and y down. Random numbers come one per image, `(N, 1, 1)`.
    """

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self.rng = rng
        self.n = n
        axis = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
        self.x: Floats = axis[None, None, :].repeat(SIDE, 1)
        self.y: Floats = axis[None, :, None].repeat(SIDE, 2)

    def uniform(self, low: float, high: float) -> Floats:
        """Draw one number per image, evenly between two bounds."""
        return self.rng.uniform(low, high, (self.n, 1, 1)).astype(np.float32)

    def normal(self, mean: float, std: float) -> Floats:
        """Draw one normally distributed number per image."""
        return self.rng.normal(mean, std, (self.n, 1, 1)).astype(np.float32)

    def chance(self, probability: float) -> npt.NDArray[np.bool_]:
        """Draw one yes or no per image."""
        return self.rng.random((self.n, 1, 1)) < probability

    def grain(self, std: Value) -> Floats:
        """Draw one normally distributed number per pixel, `(N, 28, 28)`."""
        return self.rng.standard_normal((self.n, SIDE, SIDE), dtype=np.float32) * np.float32(std)

    def waves(
        self, count: int, longest: float, shortest: float
    ) -> Callable[[Value, Value], Floats]:
        """Draw a smooth random function of the plane: a sum of `count` plane waves, variance 1.

        A function, not its values, so that it can be evaluated again at other coordinates.
        """
        frequency = 2 * np.pi / self.rng.uniform(shortest, longest, (count, self.n, 1, 1))
        angle, phase = self.rng.uniform(0, 2 * np.pi, (2, count, self.n, 1, 1))
        fx = (frequency * np.cos(angle)).astype(np.float32)
        fy = (frequency * np.sin(angle)).astype(np.float32)
        phase = phase.astype(np.float32)
        scale = np.float32(np.sqrt(2 / count))

        def evaluate(x: Value, y: Value) -> Floats:
            total = np.cos(fx[0] * x + fy[0] * y + phase[0])
            for k in range(1, count):
                total += np.cos(fx[k] * x + fy[k] * y + phase[k])
            return np.asarray(scale * total, np.float32)

        return evaluate


# ---------------------------------------------------------------------------------------- digits

GLYPH = 64  # side of a glyph's distance field, in glyph pixels; a digit is 40 of them high
ENLARGED = 2  # points per glyph pixel, each way, when a glyph is measured
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


def _draw_digits(label: int, sheet: Sheet) -> Floats:
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
        field: Floats = _look_up(fields, chosen, u, v) + np.float32(0.35) * pressure(u, v) + pen
        return field

    x, y, pixel = _fit(sheet, ink)
    softness = sheet.uniform(0.9, 1.5)
    return np.clip(ink(x, y) / (pixel * softness) + 0.5, 0, 1) * sheet.uniform(0.93, 1.06)


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
    """Fit the ink into a box of 20×20 pixels and put its centre of mass at the image's centre.

    Returns:
        The coordinates at which to evaluate `ink`, and the size of an image's pixel in its units.
    """
    coarse = np.float32(GLYPH / SIDE)
    x, y = coarse * sheet.x, coarse * sheet.y
    black = np.clip(ink(x, y) / coarse + 0.5, 0, 1)
    mass = black.sum((1, 2), keepdims=True)
    centre_x = (black * x).sum((1, 2), keepdims=True) / mass
    centre_y = (black * y).sum((1, 2), keepdims=True) / mass
    extent = np.maximum(_extent(black.max(1)), _extent(black.max(2)))[:, None, None] * coarse
    pixel = extent / 20
    return centre_x + pixel * sheet.x, centre_y + pixel * sheet.y, pixel


def _extent(profile: Floats) -> Floats:
    """Return how many pixels wide the ink is in each row of `(N, 28)`: its covered range."""
    covered = profile > 0.25
    first = covered.argmax(1)
    last = profile.shape[1] - covered[:, ::-1].argmax(1)
    return np.asarray(last - first, np.float32)


def _look_up(fields: Floats, chosen: npt.NDArray[np.intp], u: Floats, v: Floats) -> Floats:
    """Interpolate each image's own glyph bilinearly at `(N, H, W)` coordinates from its centre."""
    last = np.float32(GLYPH - 1.001)
    u = np.clip(u + np.float32((GLYPH - 1) / 2), 0, last)
    v = np.clip(v + np.float32((GLYPH - 1) / 2), 0, last)
    column, row = u.astype(np.int32), v.astype(np.int32)
    u -= column
    v -= row
    at = chosen[:, None, None].astype(np.int32) * (GLYPH * GLYPH) + row * GLYPH + column
    flat = fields.reshape(-1)
    upper = flat[at] * (1 - u) + flat[at + 1] * u
    lower = flat[at + GLYPH] * (1 - u) + flat[at + GLYPH + 1] * u
    return np.asarray(upper * (1 - v) + lower * v, np.float32)


@cache
def _glyphs(label: int) -> tuple[Floats, Floats]:
    """Return the distance fields `(G, 64, 64)` of a digit's glyphs and their strokes' half widths.

    Glyphs come with their font's own strokes, and those that stay legible so also as their centre
    line, drawn with a pen of constant width as a hand would. Half widths are in glyph pixels.
    """
    straight, curly = ([(font, str(label)) for font in fonts] for fonts in (STRAIGHT, CURLY))
    if label == 1:
        straight, curly = [*straight[::3], *2 * PLAIN_ONES], curly[::3]
    glyphs = np.stack([_glyph(font, text) for font, text in (*straight, *curly)])
    lines = _centre_line(glyphs[: len(straight)])
    strokes = [_shrink(_distance(glyph) - _distance(~glyph)) for glyph in glyphs]
    pens = 2 * [_shrink(-_distance(~line)) for line in lines]  # twice: about half of all images
    # Inside a stroke of half width h the mean distance from its edge is h / 2.
    widths = [2 * stroke[stroke > 0].mean() for stroke in strokes]
    return (
        np.stack([*strokes, *pens]).astype(np.float32),
        np.array([*widths, *np.zeros(len(pens))], np.float32),
    )


def _glyph(font: str, text: str) -> npt.NDArray[np.bool_]:
    """Return which points a glyph covers: 40 glyph pixels high, centred by its extent."""
    path = Path(get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    pen = ImageFont.truetype(str(path), 60 * ENLARGED)
    left, top, right, bottom = pen.getbbox(text)
    glyph = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(glyph).text((-left, -top), text, fill=255, font=pen)
    height = 40 * ENLARGED
    width = min(round(glyph.width * height / glyph.height), (GLYPH - 4) * ENLARGED)
    canvas = Image.new("L", (GLYPH * ENLARGED, GLYPH * ENLARGED))
    corner = ((canvas.width - width) // 2, (canvas.height - height) // 2)
    canvas.paste(glyph.resize((width, height), Image.Resampling.BICUBIC), corner)
    return np.asarray(canvas) > 127


def _distance(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return each inner point's distance from the outside, in glyph pixels."""
    return np.asarray(ndimage.distance_transform_edt(inside)) / ENLARGED


def _shrink(field: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(field.reshape(GLYPH, ENLARGED, GLYPH, ENLARGED).mean((1, 3)))


def _centre_line(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
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


# -------------------------------------------------------------------------------------- garments


def _draw_garments(label: int, sheet: Sheet) -> Floats:
    draw = (
        *(_t_shirt, _trouser, _pullover, _dress, _coat),
        *(_sandal, _shirt, _sneaker, _bag, _ankle_boot),
    )[label]
    _crumple(sheet)
    shape, light = draw(sheet)
    light = light * sheet.uniform(0.96, 1.04) + sheet.grain(sheet.uniform(0.005, 0.04))
    return _cover(shape) * np.clip(light, 0.06, 1)


def _crumple(sheet: Sheet) -> None:
    """Turn, scale and bend the sheet's coordinates a little, so that no outline is regular."""
    turn, wide, high = sheet.normal(0, 0.04), sheet.normal(1, 0.07), sheet.normal(1.02, 0.04)
    bend_x, bend_y = sheet.waves(3, 30, 12), sheet.waves(3, 30, 12)
    x, y = sheet.x, sheet.y
    sheet.x = wide * x - turn * y + np.float32(0.4) * bend_x(x, y) + sheet.normal(0, 0.6)
    sheet.y = high * y + turn * x + np.float32(0.4) * bend_y(x, y) + sheet.normal(0, 0.4)


def _cover(field: Floats) -> Floats:
    """Turn a signed distance in pixels into how much of each pixel the shape covers."""
    return np.asarray(np.clip(field + 0.5, 0, 1))


def _line(distance: Floats, width: Value = 1.0) -> Floats:
    """Return a soft line, 1 on it and 0 away from it, at the zero of a distance in pixels."""
    return np.asarray(np.exp(-((distance / width) ** 2)), np.float32)


def _along(position: Floats, values: Sequence[Value]) -> Floats:
    """Run smoothly through `values`, evenly spaced over positions from 0 to 1."""
    place = np.clip(position, 0, 1) * (len(values) - 1)
    total = np.zeros_like(place)
    for k, value in enumerate(values):
        near = np.clip(1 - abs(place - k), 0, 1)
        total += value * near * near * (3 - 2 * near)
    return total


def _limb(
    sheet: Sheet, start: tuple[Value, Value], end: tuple[Value, Value], radii: tuple[Value, Value]
) -> Floats:
    """Return the field of a straight, tapering limb with flat ends: a sleeve, a strap, a heel."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = np.sqrt(across**2 + down**2)
    x, y = sheet.x - start[0], sheet.y - start[1]
    on = (x * across + y * down) / length
    off = abs(x * down - y * across) / length
    part = np.clip(on / length, 0, 1)
    radius = radii[0] * (1 - part) + radii[1] * part
    return np.asarray(np.minimum(radius - off, np.minimum(on + 0.5, length - on)), np.float32)


def _ellipse(sheet: Sheet, centre: tuple[Value, Value], radii: tuple[Value, Value]) -> Floats:
    x, y = (sheet.x - centre[0]) / radii[0], (sheet.y - centre[1]) / radii[1]
    return np.asarray((1 - np.sqrt(x * x + y * y)) * np.minimum(*radii), np.float32)


def _union(*fields: Floats) -> Floats:
    return np.asarray(np.maximum.reduce(fields))


def _common(*fields: Floats) -> Floats:
    return np.asarray(np.minimum.reduce(fields))


def _only(sheet: Sheet, probability: float, field: Floats) -> Floats:
    """Keep a shape in some of the images."""
    return np.where(sheet.chance(probability), field, np.float32(-9))


def _cloth(sheet: Sheet, plain: float, fold: float = 0.1) -> Floats:
    """Return the light of a piece of cloth, `(N, 28, 28)`: its shade, pattern and folds.

    Args:
        sheet: the images.
        plain: the share of images without a pattern.
        fold: strength of the folds, relative to the shade.
    """
    x, y = sheet.x, sheet.y
    shade = np.where(sheet.chance(0.2), sheet.uniform(0.2, 0.55), sheet.uniform(0.65, 0.98))
    period, phase = sheet.uniform(3, 7), sheet.uniform(0, 6.3)
    across = np.sin(2 * np.pi * y / period + phase)
    down = np.sin(2 * np.pi * x / period + phase)
    print_ = sheet.waves(4, 5, 2.5)(x, y)
    kind = sheet.rng.integers(4, size=(sheet.n, 1, 1))
    pattern = np.choose(kind, [across, down, (across + down) / 2, print_])
    contrast = np.where(sheet.chance(plain), 0, sheet.uniform(0.15, 0.5))
    folds = sheet.waves(3, 14, 5)(x * np.float32(1.6), y * np.float32(0.5))
    weave = sheet.waves(3, 3.5, 2.1)(x, y) * sheet.uniform(0, 0.05)
    glow = sheet.uniform(-0.012, 0.012) * x + sheet.uniform(-0.008, 0.008) * y
    light = shade * (1 + contrast * np.clip(2 * pattern, -1, 1) * np.sign(0.62 - shade))
    return np.asarray(light * (1 + fold * folds + weave + glow), np.float32)


def _top(
    sheet: Sheet,
    *,
    top: Value,
    bottom: Value,
    widths: Sequence[Value],
    neck: tuple[Value, Value],
    sleeve_end: tuple[Value, Value],
    sleeve_widths: tuple[Value, Value],
    slope: Value = 0.45,
) -> tuple[Floats, Floats, Floats]:
    """Return the fields of a garment's trunk and sleeves, and the dark seams between the two.

    Args:
        sheet: the images.
        top: y of the neck's height.
        bottom: y of the hem.
        widths: half widths of the trunk from top to bottom, evenly spaced.
        neck: half width and depth of the neckline.
        sleeve_end: x and y of the right cuff.
        sleeve_widths: half widths of a sleeve at shoulder and cuff.
        slope: fall of the shoulders.
    """
    side = abs(sheet.x)
    width = _along((sheet.y - top) / (bottom - top), widths)
    shoulder = sheet.y - top - slope * np.clip(side - neck[0], 0, None)
    opening = _ellipse(sheet, (0.0, top), neck)
    trunk = _common(width - side, bottom - sheet.y, shoulder, -opening)
    joint = (widths[0] - sleeve_widths[0] * 0.8, top + slope * (widths[0] - neck[0]) + 1.6)
    sleeves = _union(
        *(
            _limb(
                sheet, (s * joint[0], joint[1]), (s * sleeve_end[0], sleeve_end[1]), sleeve_widths
            )
            for s in (-1, 1)
        )
    )
    sleeves = _common(sleeves, shoulder + 0.3)
    seam = _line(np.minimum(width - side, 3), 0.75) * _cover(sleeves) * (sheet.y > joint[1])
    return trunk, sleeves, np.asarray(seam * sheet.uniform(0.2, 1), np.float32)


def _t_shirt(sheet: Sheet) -> tuple[Floats, Floats]:
    top, chest = sheet.uniform(-13.3, -12), sheet.uniform(6.2, 8)
    waist = chest + sheet.uniform(-0.9, 0.4)
    neck = sheet.uniform(2.3, 4.2), sheet.uniform(1.2, 4)
    trunk, sleeves, seam = _top(
        sheet,
        top=top,
        bottom=sheet.uniform(11, 13.6),
        widths=(chest + 0.4, chest, waist, waist + sheet.uniform(0, 0.8)),
        neck=neck,
        sleeve_end=(chest + sheet.uniform(2.6, 4.8), top + sheet.uniform(6.5, 9.5)),
        sleeve_widths=(2.8, sheet.uniform(2, 2.7)),
    )
    light = _cloth(sheet, plain=0.7)
    emblem = _union(
        _only(sheet, 0.25, _ellipse(sheet, (0.0, top + 10), (sheet.uniform(2, 4), 3.0))),
        _only(sheet, 0.25, _limb(sheet, (-4.0, top + 8), (4.0, top + 8), (1.3, 1.3))),
    )
    printed = np.where(light > 0.6, light - 0.4, light + 0.4) + sheet.grain(0.12)
    light = light + (printed - light) * _cover(emblem)
    collar = _line(_ellipse(sheet, (0.0, top), neck) + 1.4, 0.6)
    shape = _union(trunk, _only(sheet, 0.88, sleeves))
    return shape, light * (1 - 0.3 * seam) * (1 - 0.22 * collar)


def _trouser(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom = sheet.uniform(-13.8, -12.8), sheet.uniform(12, 13.9)
    waist, hip, foot = sheet.uniform(3, 4.3), sheet.uniform(4.2, 5.6), sheet.uniform(3.8, 6.4)
    knee = (hip + foot) / 2 + sheet.uniform(-0.5, 0.3)
    crotch, gap = top + sheet.uniform(6, 9), sheet.uniform(0.9, 2.8)
    side = abs(sheet.x)
    down = (sheet.y - top) / (bottom - top)
    outside = _along(down, (waist, hip, knee, foot)) - side
    between = side - np.clip((sheet.y - crotch) / (bottom - crotch), 0, 1) ** 0.6 * gap - 0.1
    legs = np.where(sheet.y > crotch, between, 9)
    shape = _common(outside, legs, sheet.y - top, bottom - sheet.y)
    light = _cloth(sheet, plain=0.9, fold=0.07)
    crease = sheet.uniform(0.05, 0.25) * _line(side - knee * 0.55, 1.0)
    fly = _line(side, 0.7) * (sheet.y < crotch + 1) + _line(sheet.y - top - 1.8, 0.6)
    return shape, light * (1 + crease) * (1 - 0.25 * fly)


def _pullover(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom, chest = (
        sheet.uniform(-13, -11.6),
        sheet.uniform(10.5, 13.6),
        sheet.uniform(5.9, 7.8),
    )
    turtle = sheet.chance(0.25)
    neck = sheet.uniform(2.4, 3.8), np.where(turtle, 0.4, sheet.uniform(0.8, 2)).astype(np.float32)
    cuff = bottom + sheet.uniform(-1.5, 0.8)
    trunk, sleeves, seam = _top(
        sheet,
        top=top,
        bottom=bottom,
        widths=(chest + 0.2, chest, chest + sheet.uniform(-0.6, 0.4), chest - 0.5),
        neck=neck,
        sleeve_end=(chest + sheet.uniform(2.4, 4.4), cuff),
        sleeve_widths=(2.9, sheet.uniform(1.5, 2.1)),
    )
    roll = _limb(sheet, (0.0, top - 1.8), (0.0, top + 0.6), (neck[0], neck[0] + 0.3))
    roll = np.where(turtle, roll, np.float32(-9))
    light = _cloth(sheet, plain=0.55, fold=0.08)
    band = sheet.uniform(-4, 3)
    chest_band = _only(sheet, 0.2, sheet.uniform(1, 3) - abs(sheet.y - band))
    light = light + (np.where(light > 0.55, 0.3, 0.9) - light) * _cover(chest_band)
    knit = 1 - sheet.uniform(0, 0.2) * _cover(sheet.y - bottom + 2.2) * (np.sin(2.6 * sheet.x) > 0)
    collar = _line(_ellipse(sheet, (0.0, top), neck) + 1.3, 0.7)
    hem = _line(sheet.y - bottom + 2.4, 0.5)
    lines = (1 - 0.5 * seam) * (1 - 0.3 * collar) * (1 - sheet.uniform(0, 0.4) * hem)
    return _union(trunk, sleeves, roll), light * knit * lines


def _dress(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom = sheet.uniform(-13.8, -13), sheet.uniform(12.5, 13.9)
    bust, waist = sheet.uniform(3.4, 4.8), sheet.uniform(2.5, 3.9)
    hem = waist + sheet.uniform(0.6, 5)
    hip = (waist + hem) / 2 + sheet.uniform(0, 0.8)
    neck = sheet.uniform(1.4, 2.6), sheet.uniform(1, 4)
    long = sheet.chance(0.3)
    reach = np.where(long, sheet.uniform(11, 16), sheet.uniform(4, 7)).astype(np.float32)
    trunk, sleeves, seam = _top(
        sheet,
        top=top,
        bottom=bottom,
        widths=(bust, bust - 0.2, waist, hip, (hip + hem) / 2, hem),
        neck=neck,
        sleeve_end=(bust + 0.6 + 0.16 * reach, top + reach),
        sleeve_widths=(1.7, sheet.uniform(1, 1.6)),
    )
    sleeves = np.where(long | sheet.chance(0.45), sleeves, np.float32(-9))
    light = _cloth(sheet, plain=0.65, fold=0.05)
    below = np.clip((sheet.y - top) / (bottom - top) - 0.4, 0, 1)
    pleats = np.sin(sheet.x / (0.5 + below) * sheet.uniform(0.8, 1.6))
    belt = _line(sheet.y - top - 0.4 * (bottom - top), 0.8) * sheet.chance(0.5)
    light = light * (1 + sheet.uniform(0.1, 0.5) * below * pleats)
    return _union(trunk, sleeves), light * (1 - 0.4 * seam) * (1 - 0.4 * belt)


def _coat(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom, chest = (
        sheet.uniform(-13.2, -12),
        sheet.uniform(11, 13.9),
        sheet.uniform(5.8, 7.6),
    )
    neck = sheet.uniform(2, 3), sheet.uniform(0.5, 1.2)
    trunk, sleeves, seam = _top(
        sheet,
        top=top,
        bottom=bottom,
        widths=(chest, chest, chest - sheet.uniform(0, 1), chest + sheet.uniform(0, 1.4)),
        neck=neck,
        sleeve_end=(chest + sheet.uniform(1.8, 3.6), bottom - sheet.uniform(0.5, 4)),
        sleeve_widths=(3.0, sheet.uniform(1.8, 2.4)),
    )
    x, y, side = sheet.x, sheet.y, abs(sheet.x)
    light = _cloth(sheet, plain=0.85, fold=0.08)
    lapel = sheet.uniform(5, 11)
    shirt = neck[0] * (1 - (y - top) / lapel) - side
    edges = _line(shirt + 1.8, 0.6) * (y < top + lapel + 2) + _line(shirt, 0.6)
    front = _line(x - sheet.normal(0, 0.3), 0.65) * (y > top + 1) * sheet.uniform(0.1, 1)
    unbuttoned = sheet.chance(0.6)
    pockets = (
        _line(y - sheet.uniform(4, 7) + 0.3 * side, 0.6) * (abs(side - 4) < 1.8) * sheet.chance(0.7)
    )
    buttons = _line(abs(side - 1.8), 0.7) * (np.sin(y * 1.5) > 0.6) * sheet.chance(0.5)
    hood = _ellipse(sheet, (0.0, top), (neck[0] + 1.8, sheet.uniform(1.4, 2)))
    below = _cover(_common(shirt, trunk)) * unbuttoned
    light = light + (0.25 - light) * below * sheet.uniform(0.2, 1)
    dark = (1 - 0.55 * front) * (1 - 0.35 * np.clip(edges, 0, 1) * unbuttoned) * (1 - 0.5 * seam)
    return (
        _union(trunk, sleeves, hood),
        light * dark * (1 - 0.4 * pockets) * (1 - 0.5 * buttons),
    )


def _shirt(sheet: Sheet) -> tuple[Floats, Floats]:
    top, chest = sheet.uniform(-12.8, -11.6), sheet.uniform(5.8, 7.4)
    bottom = sheet.uniform(11, 13.3) - sheet.uniform(0.01, 0.04) * sheet.x**2
    neck = sheet.uniform(2, 2.8), sheet.uniform(0.8, 1.6)
    long = sheet.chance(0.6)
    reach = np.where(long, sheet.uniform(20, 24), sheet.uniform(8, 11)).astype(np.float32)
    out = np.where(long, sheet.uniform(2, 3.4), sheet.uniform(2.8, 4.6)).astype(np.float32)
    trunk, sleeves, seam = _top(
        sheet,
        top=top,
        bottom=bottom,
        widths=(
            chest,
            chest - 0.2,
            chest - sheet.uniform(0, 1.2),
            chest + sheet.uniform(-0.3, 0.8),
        ),
        neck=neck,
        sleeve_end=(chest + out, top + reach),
        sleeve_widths=(2.6, np.where(long, 1.6, 2.3).astype(np.float32)),
        slope=0.5,
    )
    light = _cloth(sheet, plain=0.5, fold=0.07)
    fall = sheet.uniform(2.2, 3.6)
    points = _union(
        *(_limb(sheet, (s * 1.2, top), (s * 2.9, top + fall), (1.3, 0.7)) for s in (-1, 1))
    )
    collar = _union(
        points, _limb(sheet, (0.0, top - 1), (0.0, top + 0.6), (neck[0] - 0.2, neck[0]))
    )
    buttons = (np.sin(sheet.y * 2 * np.pi / 3.6) > 0.35) * _line(sheet.x, 0.6)
    placket = _line(abs(sheet.x) - 1.3, 0.5) * sheet.uniform(0, 0.3)
    pocket = _line(_limb(sheet, (3.6, -6.5), (3.6, -2.5), (1.8, 1.8)), 0.5) * sheet.chance(0.4)
    light = (
        light
        * (1 - placket)
        * (1 - sheet.uniform(0.1, 0.7) * buttons)
        * (1 - 0.4 * seam)
        * (1 - 0.25 * pocket)
    )
    edge = 1 - sheet.uniform(0.1, 0.5) * _line(points, 0.6)
    light = light + (np.clip(light * 1.1, 0.4, 1) * edge - light) * _cover(collar + 0.5)
    return _union(trunk, sleeves, collar), light


def _sandal(sheet: Sheet) -> tuple[Floats, Floats]:
    heel = np.where(sheet.chance(0.5), sheet.uniform(6, 15), sheet.uniform(0, 2.5)).astype(
        np.float32
    )
    ground = sheet.uniform(5, 7) + 0.35 * heel
    tall = heel > 4
    thick = np.where(tall, sheet.uniform(0.5, 1.3), sheet.uniform(0.7, 2)).astype(np.float32)
    along = (sheet.x + 13) / 26
    sole_y = ground - thick - heel * _along(along, (0, 0.02, 0.45, 0.9, 1.0))
    ends = 13 - abs(sheet.x)
    sole = _common(thick - abs(sheet.y - sole_y), ends)
    back = ground - heel - thick
    spike = _limb(
        sheet, (11.2, back), (sheet.uniform(9.5, 12), ground), (1.2, sheet.uniform(0.5, 1.1))
    )
    wedge = _common(sheet.y - sole_y, ground - sheet.y, ends - 0.5, sheet.x + 2)
    under = np.where(tall, np.where(sheet.chance(0.25), wedge, spike), sole)
    pen = sheet.uniform(0.55, 1.1)
    rise = sheet.uniform(4.5, 7.5)
    cross = sheet.uniform(-6, -3)
    straps = _union(
        pen
        + 0.3
        - abs(_ellipse(sheet, (sheet.uniform(-9, -6), ground - thick), (4.5, rise * 0.6))),
        _only(
            sheet,
            0.75,
            _limb(sheet, (cross, ground - heel * 0.3 - 2), (8.0, back - rise), (pen, pen)),
        ),
        _only(
            sheet, 0.8, _limb(sheet, (12.0, back + 1), (11.0, back - rise - 1), (pen + 0.3, pen))
        ),
        _only(sheet, 0.6, _limb(sheet, (4.0, back - rise), (12.5, back - rise - 1), (pen, pen))),
        _only(sheet, 0.4, _limb(sheet, (-1.0, sole_y), (5.0, back - rise), (pen, pen))),
    )
    straps = _common(straps, sole_y - sheet.y + 1)
    light = _cloth(sheet, plain=0.9, fold=0.12)
    two_tone = sheet.uniform(0.6, 1.2)
    return _union(sole, under, straps), np.where(straps > sole, light * two_tone, light)


def _shoe(
    sheet: Sheet, ground: Value, heights: Sequence[Value], sole: Value, tip: Value
) -> tuple[Floats, Floats]:
    """Return the fields of a shoe seen from its side, toe to the left, and of its sole.

    Args:
        sheet: the images.
        ground: y of the ground.
        heights: of the upper above the ground, from toe to heel, evenly spaced.
        sole: thickness of the sole.
        tip: radius by which the toe is rounded.
    """
    along = (sheet.x + 13.3) / 26.6
    upper = sheet.y - ground + _along(along, heights)
    toe = sheet.x + 13.3 - np.clip(ground - sheet.y - sole, 0, 9) ** 2 / (tip * 6)
    whole = _common(upper, ground - sheet.y, toe, 13.3 - sheet.x)
    return whole, _common(whole, sheet.y - ground + sole)


def _sneaker(sheet: Sheet) -> tuple[Floats, Floats]:
    ground, sole = sheet.uniform(5, 7), sheet.uniform(1.2, 2.6)
    low, high = sheet.uniform(3.2, 4.4), sheet.uniform(7.6, 10.5)
    back = high + sheet.uniform(-1.5, 0.8)
    heights = (low, low + 0.8, (low + high) / 2, high, high - sheet.uniform(0.5, 2), back)
    whole, bottom = _shoe(sheet, ground, heights, sole, sheet.uniform(1.2, 2.4))
    light = _cloth(sheet, plain=0.7, fold=0.12)
    x, y = sheet.x, sheet.y
    slant = sheet.uniform(0.5, 1.2)
    stripes = (np.sin((x + slant * y) * sheet.uniform(1.4, 2.2)) > 0.3) * (abs(x - 2) < 4)
    laces = (np.sin((x - y) * 2.2) > 0) * (abs(x + 1.5) < 3.5) * _line(whole - 1.2, 1.0)
    cap = _line(x + sheet.uniform(7, 9) - 0.4 * y, 0.7)
    heel = _cover(x - sheet.uniform(8.5, 10.5))
    light = light * (1 - sheet.uniform(0, 0.5) * stripes) * (1 - 0.4 * laces) * (1 - 0.3 * cap)
    light = light * (1 - sheet.uniform(-0.1, 0.4) * heel)
    rubber = np.where(sheet.chance(0.7), sheet.uniform(0.75, 1), sheet.uniform(0.15, 0.4))
    light = light + (rubber - light) * _cover(bottom)
    return whole, light * (1 - 0.5 * _line(y - ground + sole, 0.5))


def _ankle_boot(sheet: Sheet) -> tuple[Floats, Floats]:
    ground, sole = sheet.uniform(11, 13.5), sheet.uniform(0.8, 2)
    low, shaft = sheet.uniform(5.5, 8), sheet.uniform(20, 26)
    ankle = sheet.uniform(11, 14)
    heights = (low, low + 1.5, low + 2.5, ankle, shaft, shaft, shaft - sheet.uniform(-0.8, 0.8))
    whole, bottom = _shoe(sheet, ground, heights, sole, sheet.uniform(1.5, 3))
    x, y = sheet.x, sheet.y
    lean = 0.12 * (y - ground + 12)
    whole = _common(whole, sheet.uniform(10.5, 13) + np.clip(lean, -1, 1) - x)
    heel = np.where(sheet.chance(0.4), sheet.uniform(3, 7), sheet.uniform(0, 1.6)).astype(
        np.float32
    )
    start = sheet.uniform(5, 7.5)
    arch = _common(start - x, y - ground + heel * _along((x + 8) / 12, (0, 0.25, 0.7, 1)))
    whole = _common(whole, -np.where(heel > 1.2, arch, np.float32(-9)))
    light = _cloth(sheet, plain=0.9, fold=0.12)
    zip_ = _line(x - sheet.uniform(4, 8), 0.6) * (y < ground - 5) * sheet.chance(0.5)
    laces = (np.sin(y * 2) > 0) * _line(whole - 1.5, 1.2) * (x < 2) * (y < ground - low)
    laces = laces * sheet.chance(0.4)
    cuff = _line(y - ground + shaft - sheet.uniform(1.5, 4), 0.7) * sheet.chance(0.6)
    light = light * (1 - 0.4 * zip_) * (1 - 0.4 * laces) * (1 - 0.35 * cuff)
    dark = sheet.uniform(0.3, 0.9)
    light = light * (1 - dark * _cover(bottom))
    return whole, light * (1 - 0.4 * _line(y - ground + sole, 0.5))


def _bag(sheet: Sheet) -> tuple[Floats, Floats]:
    wide, bottom = sheet.uniform(8.5, 13.2), sheet.uniform(8, 12.5)
    high = sheet.uniform(10, 17)
    top = bottom - high
    taper, round_ = sheet.uniform(-0.12, 0.22), sheet.uniform(0.5, 3.5)
    x, y, side = sheet.x, sheet.y, abs(sheet.x)
    middle = (top + bottom) / 2
    dx = side - wide + taper * (bottom - y) + round_
    dy = abs(y - middle) - high / 2 + round_
    body = round_ - np.sqrt(np.clip(dx, 0, None) ** 2 + np.clip(dy, 0, None) ** 2)
    body = np.minimum(body, round_ - np.maximum(dx, dy))
    pen = sheet.uniform(0.5, 1.1)
    reach = np.minimum(sheet.uniform(4, 11), top + 13)
    arch = pen - abs(_ellipse(sheet, (0.0, top), (sheet.uniform(3.5, 7), np.maximum(reach, 1.5))))
    handle = _common(_only(sheet, 0.8, arch), top + 0.5 - y)
    light = _cloth(sheet, plain=0.7, fold=0.07)
    flap = top + high * sheet.uniform(0.25, 0.6) - 0.03 * x**2
    closed = sheet.chance(0.6)
    edge = _line(y - flap, 0.6) * closed
    clasp = _cover(_ellipse(sheet, (0.0, flap), (1.3, 1.2))) * sheet.chance(0.7)
    rim = _line(body - 1.2, 0.5)
    light = light * (1 - 0.4 * edge) * (1 - 0.18 * rim) * (1 + 0.12 * (y < flap) * closed)
    light = light + (np.where(light > 0.5, 0.2, 0.95) - light) * clasp
    return _union(body, handle), np.where(handle > body, light * sheet.uniform(0.6, 1.1), light)
