"""Stand-in garments: silhouettes of random proportions with folds, patterns, seams, fastenings.

Each garment is drawn by one function, which returns the field of its shape and its light, both
`(N, 28, 28)`. Lengths and places are in pixels from the image's centre, y downwards.
"""

from collections.abc import Sequence

import numpy as np

from autoencoders.sources.drawing import (
    Floats,
    Sheet,
    Value,
    along,
    blend,
    common,
    cover,
    ellipse,
    limb,
    line,
    only,
    union,
)


def draw(label: int, sheet: Sheet) -> Floats:
    """Draw one class of garments on black: the light of each pixel, `(N, 28, 28)`, 0 to 1."""
    draw_garment = (
        *(_t_shirt, _trouser, _pullover, _dress, _coat),
        *(_sandal, _shirt, _sneaker, _bag, _ankle_boot),
    )[label]
    _crumple(sheet)
    shape, light = draw_garment(sheet)
    light = light * sheet.uniform(0.96, 1.04) + sheet.grain(sheet.uniform(0.005, 0.04))
    return cover(shape) * np.clip(light, 0.06, 1)


def _crumple(sheet: Sheet) -> None:
    """Turn, scale and bend the sheet's coordinates a little, so that no outline is regular."""
    turn, wide, high = sheet.normal(0, 0.04), sheet.normal(1, 0.07), sheet.normal(1.02, 0.04)
    bend_x, bend_y = sheet.waves(3, 30, 12), sheet.waves(3, 30, 12)
    x, y = sheet.x, sheet.y
    sheet.x = wide * x - turn * y + 0.4 * bend_x(x, y) + sheet.normal(0, 0.6)
    sheet.y = high * y + turn * x + 0.4 * bend_y(x, y) + sheet.normal(0, 0.4)


def _cloth(sheet: Sheet, plain: float, fold: float = 0.1) -> Floats:
    """Return the light of a piece of cloth: its shade, pattern and folds.

    Args:
        sheet: the images.
        plain: the share of images without a pattern.
        fold: strength of the folds, relative to the shade.
    """
    x, y = sheet.x, sheet.y
    shade = np.where(sheet.chance(0.2), sheet.uniform(0.2, 0.55), sheet.uniform(0.65, 0.98))
    pattern = _pattern(sheet)
    contrast = np.where(sheet.chance(plain), 0, sheet.uniform(0.15, 0.5))
    folds = sheet.waves(3, 14, 5)(1.6 * x, 0.5 * y)
    weave = sheet.waves(3, 3.5, 2.1)(x, y) * sheet.uniform(0, 0.05)
    glow = sheet.uniform(-0.012, 0.012) * x + sheet.uniform(-0.008, 0.008) * y
    light = shade * (1 + contrast * np.clip(2 * pattern, -1, 1) * np.sign(0.62 - shade))
    return np.asarray(light * (1 + fold * folds + weave + glow), np.float32)


def _pattern(sheet: Sheet) -> Floats:
    """Return hoops, stripes, checks or a print, between about -1 and 1."""
    period, phase = sheet.uniform(3, 7), sheet.uniform(0, 6.3)
    hoops = np.sin(2 * np.pi * sheet.y / period + phase)
    stripes = np.sin(2 * np.pi * sheet.x / period + phase)
    blots = sheet.waves(4, 5, 2.5)(sheet.x, sheet.y)
    kind = sheet.rng.integers(4, size=(sheet.n, 1, 1))
    return np.choose(kind, [hoops, stripes, (hoops + stripes) / 2, blots])


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
    width = along((sheet.y - top) / (bottom - top), widths)
    shoulder = sheet.y - top - slope * np.clip(side - neck[0], 0, None)
    opening = ellipse(sheet, (0.0, top), neck)
    trunk = common(width - side, bottom - sheet.y, shoulder, -opening)
    joint = (widths[0] - sleeve_widths[0] * 0.8, top + slope * (widths[0] - neck[0]) + 1.6)
    left = limb(sheet, (-joint[0], joint[1]), (-sleeve_end[0], sleeve_end[1]), sleeve_widths)
    right = limb(sheet, joint, sleeve_end, sleeve_widths)
    sleeves = common(union(left, right), shoulder + 0.3)
    seam = line(np.minimum(width - side, 3), 0.75) * cover(sleeves) * (sheet.y > joint[1])
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
    light = _emblazon(sheet, _cloth(sheet, plain=0.7), top)
    collar = line(ellipse(sheet, (0.0, top), neck) + 1.4, 0.6)
    shape = union(trunk, only(sleeves, sheet.chance(0.88)))
    return shape, light * (1 - 0.3 * seam) * (1 - 0.22 * collar)


def _emblazon(sheet: Sheet, light: Floats, top: Floats) -> Floats:
    """Print a disc or a bar on the chest of some of the images."""
    disc = ellipse(sheet, (0.0, top + 10), (sheet.uniform(2, 4), 3.0))
    disc = only(disc, sheet.chance(0.25))
    bar = only(limb(sheet, (-4.0, top + 8), (4.0, top + 8), (1.3, 1.3)), sheet.chance(0.25))
    printed = np.where(light > 0.6, light - 0.4, light + 0.4) + sheet.grain(0.12)
    return blend(light, printed, cover(union(disc, bar)))


def _trouser(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom = sheet.uniform(-13.8, -12.8), sheet.uniform(12, 13.9)
    waist, hip, foot = sheet.uniform(3, 4.3), sheet.uniform(4.2, 5.6), sheet.uniform(3.8, 6.4)
    knee = (hip + foot) / 2 + sheet.uniform(-0.5, 0.3)
    crotch, gap = top + sheet.uniform(6, 9), sheet.uniform(0.9, 2.8)
    side = abs(sheet.x)
    outside = along((sheet.y - top) / (bottom - top), (waist, hip, knee, foot)) - side
    between = gap * np.clip((sheet.y - crotch) / (bottom - crotch), 0, 1) ** 0.6
    legs = -only(between - side + 0.1, sheet.y > crotch)
    shape = common(outside, legs, sheet.y - top, bottom - sheet.y)
    light = _cloth(sheet, plain=0.9, fold=0.07)
    crease = sheet.uniform(0.05, 0.25) * line(side - knee * 0.55, 1.0)
    fly_and_belt = line(side, 0.7) * (sheet.y < crotch + 1) + line(sheet.y - top - 1.8, 0.6)
    return shape, light * (1 + crease) * (1 - 0.25 * fly_and_belt)


def _pullover(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom = sheet.uniform(-13, -11.6), sheet.uniform(10.5, 13.6)
    chest = sheet.uniform(5.9, 7.8)
    turtle = sheet.chance(0.25)
    neck = sheet.uniform(2.4, 3.8), np.where(turtle, 0.4, sheet.uniform(0.8, 2))
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
    roll = limb(sheet, (0.0, top - 1.8), (0.0, top + 0.6), (neck[0], neck[0] + 0.3))
    light = _cloth(sheet, plain=0.55, fold=0.08)
    middle, half_width = sheet.uniform(-4, 3), sheet.uniform(1, 3)
    band = only(half_width - abs(sheet.y - middle), sheet.chance(0.2))
    light = blend(light, np.where(light > 0.55, 0.3, 0.9), cover(band))
    knit = 1 - sheet.uniform(0, 0.2) * cover(sheet.y - bottom + 2.2) * (np.sin(2.6 * sheet.x) > 0)
    collar = line(ellipse(sheet, (0.0, top), neck) + 1.3, 0.7)
    hem = line(sheet.y - bottom + 2.4, 0.5)
    lines = (1 - 0.5 * seam) * (1 - 0.3 * collar) * (1 - sheet.uniform(0, 0.4) * hem)
    return union(trunk, sleeves, only(roll, turtle)), light * knit * lines


def _dress(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom = sheet.uniform(-13.8, -13), sheet.uniform(12.5, 13.9)
    bust, waist = sheet.uniform(3.4, 4.8), sheet.uniform(2.5, 3.9)
    hem = waist + sheet.uniform(0.6, 5)
    hip = (waist + hem) / 2 + sheet.uniform(0, 0.8)
    neck = sheet.uniform(1.4, 2.6), sheet.uniform(1, 4)
    long = sheet.chance(0.3)
    reach = np.where(long, sheet.uniform(11, 16), sheet.uniform(4, 7))
    trunk, sleeves, seam = _top(
        sheet,
        top=top,
        bottom=bottom,
        widths=(bust, bust - 0.2, waist, hip, (hip + hem) / 2, hem),
        neck=neck,
        sleeve_end=(bust + 0.6 + 0.16 * reach, top + reach),
        sleeve_widths=(1.7, sheet.uniform(1, 1.6)),
    )
    sleeves = only(sleeves, long | sheet.chance(0.45))
    light = _cloth(sheet, plain=0.65, fold=0.05)
    below = np.clip((sheet.y - top) / (bottom - top) - 0.4, 0, 1)
    pleats = np.sin(sheet.x / (0.5 + below) * sheet.uniform(0.8, 1.6))
    belt = line(sheet.y - top - 0.4 * (bottom - top), 0.8) * sheet.chance(0.5)
    light = light * (1 + sheet.uniform(0.1, 0.5) * below * pleats)
    return union(trunk, sleeves), light * (1 - 0.4 * seam) * (1 - 0.4 * belt)


def _coat(sheet: Sheet) -> tuple[Floats, Floats]:
    top, bottom = sheet.uniform(-13.2, -12), sheet.uniform(11, 13.9)
    chest = sheet.uniform(5.8, 7.6)
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
    edges = line(shirt + 1.8, 0.6) * (y < top + lapel + 2) + line(shirt, 0.6)
    front = line(x - sheet.normal(0, 0.3), 0.65) * (y > top + 1) * sheet.uniform(0.1, 1)
    unbuttoned = sheet.chance(0.6)
    flaps = line(y - sheet.uniform(4, 7) + 0.3 * side, 0.6) * (abs(side - 4) < 1.8)
    pockets = flaps * sheet.chance(0.7)
    buttons = line(abs(side - 1.8), 0.7) * (np.sin(y * 1.5) > 0.6) * sheet.chance(0.5)
    hood = ellipse(sheet, (0.0, top), (neck[0] + 1.8, sheet.uniform(1.4, 2)))
    below = cover(common(shirt, trunk)) * unbuttoned * sheet.uniform(0.2, 1)
    light = blend(light, 0.25, below)
    light *= (1 - 0.55 * front) * (1 - 0.35 * np.clip(edges, 0, 1) * unbuttoned) * (1 - 0.5 * seam)
    return union(trunk, sleeves, hood), light * (1 - 0.4 * pockets) * (1 - 0.5 * buttons)


def _shirt(sheet: Sheet) -> tuple[Floats, Floats]:
    top, chest = sheet.uniform(-12.8, -11.6), sheet.uniform(5.8, 7.4)
    bottom = sheet.uniform(11, 13.3) - sheet.uniform(0.01, 0.04) * sheet.x**2
    neck = sheet.uniform(2, 2.8), sheet.uniform(0.8, 1.6)
    long = sheet.chance(0.6)
    reach = np.where(long, sheet.uniform(20, 24), sheet.uniform(8, 11))
    out = np.where(long, sheet.uniform(2, 3.4), sheet.uniform(2.8, 4.6))
    waist, hem = chest - sheet.uniform(0, 1.2), chest + sheet.uniform(-0.3, 0.8)
    trunk, sleeves, seam = _top(
        sheet,
        top=top,
        bottom=bottom,
        widths=(chest, chest - 0.2, waist, hem),
        neck=neck,
        sleeve_end=(chest + out, top + reach),
        sleeve_widths=(2.6, np.where(long, np.float32(1.6), np.float32(2.3))),
        slope=0.5,
    )
    light = _cloth(sheet, plain=0.5, fold=0.07)
    points = _collar_points(sheet, top)
    band = limb(sheet, (0.0, top - 1), (0.0, top + 0.6), (neck[0] - 0.2, neck[0]))
    collar = union(points, band)
    light = _button_up(sheet, light, seam)
    edge = 1 - sheet.uniform(0.1, 0.5) * line(points, 0.6)
    light = blend(light, np.clip(light * 1.1, 0.4, 1) * edge, cover(collar + 0.5))
    return union(trunk, sleeves, collar), light


def _collar_points(sheet: Sheet, top: Floats) -> Floats:
    fall = sheet.uniform(2.2, 3.6)
    left = limb(sheet, (-1.2, top), (-2.9, top + fall), (1.3, 0.7))
    right = limb(sheet, (1.2, top), (2.9, top + fall), (1.3, 0.7))
    return union(left, right)


def _button_up(sheet: Sheet, light: Floats, seam: Floats) -> Floats:
    """Darken a shirt's seams, buttons and the strip that they stand on, and perhaps a pocket."""
    placket = line(abs(sheet.x) - 1.3, 0.5) * sheet.uniform(0, 0.3)
    pocket = line(limb(sheet, (3.6, -6.5), (3.6, -2.5), (1.8, 1.8)), 0.5) * sheet.chance(0.4)
    buttons = line(sheet.x, 0.6) * (np.sin(sheet.y * 2 * np.pi / 3.6) > 0.35)
    light = light * (1 - placket) * (1 - sheet.uniform(0.1, 0.7) * buttons)
    return light * (1 - 0.4 * seam) * (1 - 0.25 * pocket)


def _sandal(sheet: Sheet) -> tuple[Floats, Floats]:
    heel = np.where(sheet.chance(0.5), sheet.uniform(6, 15), sheet.uniform(0, 2.5))
    ground = sheet.uniform(5, 7) + 0.35 * heel
    tall = heel > 4
    thick = np.where(tall, sheet.uniform(0.5, 1.3), sheet.uniform(0.7, 2))
    sole_y = ground - thick - heel * along((sheet.x + 13) / 26, (0, 0.02, 0.45, 0.9, 1.0))
    ends = 13 - abs(sheet.x)
    sole = common(thick - abs(sheet.y - sole_y), ends)
    back = ground - heel - thick
    foot, tip = sheet.uniform(9.5, 12), sheet.uniform(0.5, 1.1)
    spike = limb(sheet, (11.2, back), (foot, ground), (1.2, tip))
    wedge = common(sheet.y - sole_y, ground - sheet.y, ends - 0.5, sheet.x + 2)
    raised = np.where(sheet.chance(0.25), wedge, spike)
    straps = _straps(sheet, ground, heel, thick, sole_y)
    light = _cloth(sheet, plain=0.9, fold=0.12)
    shape = union(sole, only(raised, tall), straps)
    return shape, np.where(straps > sole, light * sheet.uniform(0.6, 1.2), light)


def _straps(sheet: Sheet, ground: Floats, heel: Floats, thick: Floats, sole_y: Floats) -> Floats:
    """Return the field of a sandal's straps: one over the toes and up to four others.

    Args:
        sheet: the images.
        ground: y of the ground.
        heel: how much higher the sole lies at the heel than at the toes.
        thick: thickness of the sole.
        sole_y: y of the sole at each pixel's x.
    """
    pen, rise, instep = sheet.uniform(0.55, 1.1), sheet.uniform(4.5, 7.5), sheet.uniform(-6, -3)
    back = ground - heel - thick
    ankle = back - rise
    toes = ellipse(sheet, (sheet.uniform(-9, -6), ground - thick), (4.5, rise * 0.6))
    cross = limb(sheet, (instep, ground - heel * 0.3 - 2), (8.0, ankle), (pen, pen))
    counter = limb(sheet, (12.0, back + 1), (11.0, ankle - 1), (pen + 0.3, pen))
    around = limb(sheet, (4.0, ankle), (12.5, ankle - 1), (pen, pen))
    front = limb(sheet, (-1.0, sole_y), (5.0, ankle), (pen, pen))
    straps = union(
        pen + 0.3 - abs(toes),
        only(cross, sheet.chance(0.75)),
        only(counter, sheet.chance(0.8)),
        only(around, sheet.chance(0.6)),
        only(front, sheet.chance(0.4)),
    )
    return common(straps, sole_y - sheet.y + 1)


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
    upper = sheet.y - ground + along((sheet.x + 13.3) / 26.6, heights)
    toe = sheet.x + 13.3 - np.clip(ground - sheet.y - sole, 0, 9) ** 2 / (tip * 6)
    whole = common(upper, ground - sheet.y, toe, 13.3 - sheet.x)
    return whole, common(whole, sheet.y - ground + sole)


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
    laces = (np.sin((x - y) * 2.2) > 0) * (abs(x + 1.5) < 3.5) * line(whole - 1.2, 1.0)
    cap = line(x + sheet.uniform(7, 9) - 0.4 * y, 0.7)
    heel = cover(x - sheet.uniform(8.5, 10.5))
    light = light * (1 - sheet.uniform(0, 0.5) * stripes) * (1 - 0.4 * laces) * (1 - 0.3 * cap)
    light = light * (1 - sheet.uniform(-0.1, 0.4) * heel)
    rubber = np.where(sheet.chance(0.7), sheet.uniform(0.75, 1), sheet.uniform(0.15, 0.4))
    light = blend(light, rubber, cover(bottom))
    return whole, light * (1 - 0.5 * line(y - ground + sole, 0.5))


def _ankle_boot(sheet: Sheet) -> tuple[Floats, Floats]:
    ground, sole = sheet.uniform(11, 13.5), sheet.uniform(0.8, 2)
    low, shaft = sheet.uniform(5.5, 8), sheet.uniform(20, 26)
    ankle = sheet.uniform(11, 14)
    heights = (low, low + 1.5, low + 2.5, ankle, shaft, shaft, shaft - sheet.uniform(-0.8, 0.8))
    whole, bottom = _shoe(sheet, ground, heights, sole, sheet.uniform(1.5, 3))
    x, y = sheet.x, sheet.y
    lean = np.clip(0.12 * (y - ground + 12), -1, 1)
    whole = common(whole, sheet.uniform(10.5, 13) + lean - x)
    whole = common(whole, -_arch(sheet, ground))
    light = _cloth(sheet, plain=0.9, fold=0.12)
    zipper = line(x - sheet.uniform(4, 8), 0.6) * (y < ground - 5) * sheet.chance(0.5)
    laces = (np.sin(y * 2) > 0) * line(whole - 1.5, 1.2) * (x < 2) * (y < ground - low)
    laces = laces * sheet.chance(0.4)
    cuff = line(y - ground + shaft - sheet.uniform(1.5, 4), 0.7) * sheet.chance(0.6)
    light = light * (1 - 0.4 * zipper) * (1 - 0.4 * laces) * (1 - 0.35 * cuff)
    light = light * (1 - sheet.uniform(0.3, 0.9) * cover(bottom))
    return whole, light * (1 - 0.4 * line(y - ground + sole, 0.5))


def _arch(sheet: Sheet, ground: Floats) -> Floats:
    """Return the field of the gap between the ground and a boot's sole in front of its heel."""
    heel = np.where(sheet.chance(0.4), sheet.uniform(3, 7), sheet.uniform(0, 1.6))
    end = sheet.uniform(5, 7.5)
    rise = heel * along((sheet.x + 8) / 12, (0, 0.25, 0.7, 1))
    return only(common(end - sheet.x, sheet.y - ground + rise), heel > 1.2)


def _bag(sheet: Sheet) -> tuple[Floats, Floats]:
    wide, bottom = sheet.uniform(8.5, 13.2), sheet.uniform(8, 12.5)
    high = sheet.uniform(10, 17)
    top = bottom - high
    body = _bag_body(sheet, wide, high, bottom)
    pen = sheet.uniform(0.5, 1.1)
    reach = np.maximum(np.minimum(sheet.uniform(4, 11), top + 13), 1.5)
    arch = pen - abs(ellipse(sheet, (0.0, top), (sheet.uniform(3.5, 7), reach)))
    handle = common(only(arch, sheet.chance(0.8)), top + 0.5 - sheet.y)
    light = _cloth(sheet, plain=0.7, fold=0.07)
    flap = top + high * sheet.uniform(0.25, 0.6) - 0.03 * sheet.x**2
    closed = sheet.chance(0.6)
    edge = line(sheet.y - flap, 0.6) * closed
    clasp = cover(ellipse(sheet, (0.0, flap), (1.3, 1.2))) * sheet.chance(0.7)
    rim = line(body - 1.2, 0.5)
    light = light * (1 - 0.4 * edge) * (1 - 0.18 * rim) * (1 + 0.12 * (sheet.y < flap) * closed)
    light = blend(light, np.where(light > 0.5, 0.2, 0.95), clasp)
    light = np.where(handle > body, light * sheet.uniform(0.6, 1.1), light)
    return union(body, handle), light


def _bag_body(sheet: Sheet, wide: Floats, high: Floats, bottom: Floats) -> Floats:
    """Return the field of a trapezoid with round corners, of half width `wide` at its bottom."""
    taper, corner = sheet.uniform(-0.12, 0.22), sheet.uniform(0.5, 3.5)
    middle = (bottom - high + bottom) / 2
    across = abs(sheet.x) - wide + taper * (bottom - sheet.y) + corner
    down = abs(sheet.y - middle) - high / 2 + corner
    outside = np.sqrt(np.clip(across, 0, None) ** 2 + np.clip(down, 0, None) ** 2)
    return common(corner - outside, corner - np.maximum(across, down))
