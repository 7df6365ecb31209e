"""Stand-in colour scenes: for each class of CIFAR-10 a simple thing on its usual ground.

What there is to learn is shape, colour and place; what a small copy loses is edges, patterns down
to two pixels and thin parts. Nothing is taken from a photograph.
"""

from collections.abc import Callable

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
    union,
)

# A thing is drawn part by part: a field, and its light as a share of the thing's colour.
Parts = list[tuple[Floats, Value]]
Colour = tuple[float, float, float]

SKY: tuple[Colour, Colour] = ((0.45, 0.62, 0.85), (0.80, 0.87, 0.93))  # at the top, at the bottom
SEA = ((0.70, 0.80, 0.88), (0.16, 0.34, 0.46))
STREET = ((0.70, 0.72, 0.70), (0.36, 0.35, 0.35))
MEADOW = ((0.55, 0.66, 0.55), (0.36, 0.46, 0.20))
ROOM = ((0.62, 0.54, 0.46), (0.50, 0.42, 0.36))


def draw(label: int, sheet: Sheet) -> Floats:
    """Draw one class of scenes: the light of each pixel, `(N, 3, side, side)`, 0 to about 1."""
    shape, ground, colour, spread = SCENES[label]
    scene = _ground(sheet, ground)
    _stand(sheet)
    texture = 1 + sheet.uniform(0.05, 0.3) * _pattern(sheet, longest=7, shortest=2.2)
    shade = 1 + 0.35 * along((sheet.y + 12) / 24, (0.6, 0, -0.7))
    paint = np.stack([level + sheet.normal(0, spread) for level in colour], 1)
    paint = np.clip(paint * np.exp(sheet.normal(0, 0.25))[:, None], 0.05, 1)
    for field, light in shape(sheet):
        lit = paint * (light * texture * shade)[:, None]
        scene = blend(scene, lit, cover(field)[:, None])
    return np.clip(scene * sheet.uniform(0.75, 1.15)[:, None], 0, 1) + sheet.grain(0.015)[:, None]


def _ground(sheet: Sheet, colours: tuple[Colour, Colour]) -> Floats:
    """Draw what lies behind: from one colour to another, patterned more and more to the bottom."""
    down = along(sheet.y / (sheet.side * sheet.uniform(0.3, 1.0)) + 0.5, (0, 1))
    rough = sheet.uniform(0.04, 0.2) * down * _pattern(sheet, longest=6, shortest=2)
    clouds = 0.08 * sheet.waves(3, longest=60, shortest=12)(sheet.x, 2 * sheet.y)
    tint = [sheet.normal(0, 0.04) for _ in range(3)]
    channels = [
        top + (bottom - top) * down + cast for top, bottom, cast in zip(*colours, tint, strict=True)
    ]
    return np.stack(channels, 1) * (1 + rough + clouds)[:, None]


def _pattern(sheet: Sheet, longest: float, shortest: float) -> Floats:
    """Return fur, planks, ripples: waves with flattened crests, `(N, side, side)`, -1 to 1."""
    return np.tanh(1.5 * sheet.waves(3, longest, shortest)(sheet.x, sheet.y))


def _stand(sheet: Sheet) -> None:
    """Move the sheet's coordinates so that what is drawn next stands elsewhere, turned, sized."""
    turn, size = sheet.normal(0, 0.12), sheet.uniform(0.75, 1.15)
    flip = np.where(sheet.chance(0.5), 1, -1)
    x, y = sheet.x - sheet.normal(0, 2), sheet.y - sheet.normal(0, 1.5)
    cosine, sine = np.cos(turn) / size, np.sin(turn) / size
    sheet.x, sheet.y = flip * (cosine * x + sine * y), cosine * y - sine * x


def _box(sheet: Sheet, left: Value, top: Value, right: Value, bottom: Value) -> Floats:
    return common(sheet.x - left, right - sheet.x, sheet.y - top, bottom - sheet.y)


def _pair(field: Callable[[float], Floats]) -> Floats:
    """Return the union of a part on the left and the same on the right."""
    return union(field(-1.0), field(1.0))


def _airplane(sheet: Sheet) -> Parts:
    span = sheet.uniform(5, 10)
    body = ellipse(sheet, (0.0, 0.0), (sheet.uniform(11, 14), sheet.uniform(1.8, 2.8)))
    wings = _pair(lambda side: limb(sheet, (1.0, 0.0), (-4.0, side * span), (2.2, 0.8)))
    tail = limb(sheet, (-9.0, 0.0), (-12.0, -5.5), (1.8, 0.9))
    windows = common(ellipse(sheet, (2.0, -0.6), (7.0, 0.6)), np.cos(2.5 * sheet.x))
    return [(tail, 0.8), (wings, 0.85), (body, 1.1), (windows, 0.2)]


def _automobile(sheet: Sheet) -> Parts:
    roof = sheet.uniform(4, 6)
    cabin = ellipse(sheet, (-1.0, 0.0), (sheet.uniform(6, 8), roof))
    glass = common(ellipse(sheet, (-1.0, 0.0), (5.5, roof - 1.3)), abs(sheet.x + 1) - 0.4)
    body = common(_box(sheet, -12, -1, 12, 5), ellipse(sheet, (0.0, 4.0), (13.0, 6.0)))
    wheels = _pair(lambda side: ellipse(sheet, (7 * side, 5.0), (2.9, 2.9)))
    hubs = _pair(lambda side: ellipse(sheet, (7 * side, 5.0), (1.3, 1.3)))
    return [(cabin, 0.9), (glass, 0.35), (body, 1.0), (wheels, 0.1), (hubs, 0.9)]


def _truck(sheet: Sheet) -> Parts:
    top = -sheet.uniform(6, 10)
    load = _box(sheet, -13, top, 4, 5)
    ribs = common(load, np.cos(2.2 * sheet.x) - 0.6)
    cab = _box(sheet, 4.5, top * sheet.uniform(0.3, 0.9), 12, 5)
    glass = _box(sheet, 8, top * 0.3, 11, 0)
    wheels = union(*(ellipse(sheet, (x, 6.0), (2.6, 2.6)) for x in (-9.0, -3.5, 8.5)))
    return [(load, 1.15), (ribs, 0.8), (cab, 0.8), (glass, 0.3), (wheels, 0.1)]


def _ship(sheet: Sheet) -> Parts:
    hull = common(_box(sheet, -14, 2, 14, 7), 14 - 0.8 * sheet.y - abs(sheet.x))
    house = _box(sheet, -6, -sheet.uniform(1, 4), sheet.uniform(2, 7), 2.5)
    ports = common(_box(sheet, -11, 3.5, 10, 4.7), np.cos(2.1 * sheet.x))
    masts = [limb(sheet, (x, 2.0), (x, -sheet.uniform(7, 13)), (0.5, 0.4)) for x in (-3.0, 5.0)]
    stay = limb(sheet, (5.0, -8.0), (12.0, 2.0), (0.35, 0.35))
    return [(union(*masts, stay), 0.5), (house, 1.5), (hull, 0.7), (ports, 1.6)]


def _bird(sheet: Sheet) -> Parts:
    body = ellipse(sheet, (0.0, 0.0), (sheet.uniform(6, 8), sheet.uniform(3.5, 5)))
    head = ellipse(sheet, (6.5, -4.5), (3.0, 2.8))
    beak = limb(sheet, (8.5, -4.5), (13.0, -4.0), (1.2, 0.2))
    tail = limb(sheet, (-5.0, 1.0), (-13.0, sheet.uniform(-2, 5)), (2.0, 1.0))
    wing = ellipse(sheet, (-1.5, -0.5), (5.0, 2.2))
    legs = _pair(lambda side: limb(sheet, (side, 3.5), (side + 0.5, 10.0), (0.5, 0.4)))
    eye = ellipse(sheet, (7.3, -5.2), (0.8, 0.8))
    return [(union(legs, beak), 0.4), (union(body, head, tail), 1.1), (wing, 0.6), (eye, 0.05)]


def _face(sheet: Sheet, ears: Floats, snout: float) -> Parts:
    """Draw a head from the front, its ears behind it."""
    head = ellipse(sheet, (0.0, 0.0), (sheet.uniform(7, 9), sheet.uniform(6.5, 8)))
    chest = ellipse(sheet, (0.0, 13.0), (sheet.uniform(7, 11), 8.0))
    eyes = _pair(lambda side: ellipse(sheet, (3.2 * side, -1.5), (1.3, 1.2)))
    muzzle = ellipse(sheet, (0.0, 3.5), (snout, snout))
    nose = ellipse(sheet, (0.0, 2.5), (snout / 3, snout / 4))
    return [(chest, 0.8), (head, 1.0), (ears, 0.7), (eyes, 0.1), (muzzle, 1.3), (nose, 0.15)]


def _cat(sheet: Sheet) -> Parts:
    tip = -sheet.uniform(10, 13)
    ears = _pair(lambda side: limb(sheet, (4.5 * side, -4.0), (6.5 * side, tip), (3.2, 0.2)))
    return _face(sheet, ears, 2.2)


def _dog(sheet: Sheet) -> Parts:
    low = sheet.uniform(3, 8)
    ears = _pair(lambda side: limb(sheet, (6.0 * side, -5.5), (9.0 * side, low), (2.2, 2.6)))
    return _face(sheet, ears, 4.2)


def _frog(sheet: Sheet) -> Parts:
    body = ellipse(sheet, (0.0, 3.0), (sheet.uniform(9, 12), sheet.uniform(5, 7)))
    legs = _pair(lambda side: ellipse(sheet, (9 * side, 7.0), (4.0, 2.6)))
    lids = _pair(lambda side: ellipse(sheet, (4.5 * side, -3.5), (2.8, 2.8)))
    eyes = _pair(lambda side: ellipse(sheet, (4.5 * side, -3.7), (1.4, 1.2)))
    mouth = common(ellipse(sheet, (0.0, 3.5), (7.0, 2.6)), 4.5 - abs(sheet.y - 3.5) ** 2)
    spots = common(body, 3 * sheet.waves(3, longest=8, shortest=4)(sheet.x, sheet.y) - 3.2)
    return [(legs, 0.75), (union(body, lids), 1.0), (mouth, 1.5), (spots, 0.5), (eyes, 0.1)]


def _grazer(sheet: Sheet, neck: Floats) -> Parts:
    """Draw an animal on four legs from the side, its neck given."""
    body = ellipse(sheet, (-1.0, 1.0), (sheet.uniform(7, 9), sheet.uniform(3.2, 4.5)))
    near, far = (
        union(*(limb(sheet, (x, 2.0), (x + sheet.normal(0, 0.8), 12.0), (1.3, 0.7)) for x in pair))
        for pair in ((-7.0, 5.0), (-5.0, 3.0))
    )
    head = limb(sheet, (9.0, -8.0), (13.5, -5.0), (2.0, 1.2))
    eye = ellipse(sheet, (10.5, -7.7), (0.7, 0.7))
    return [(far, 0.6), (near, 0.85), (union(body, neck, head), 1.0), (eye, 0.1)]


def _deer(sheet: Sheet) -> Parts:
    neck = limb(sheet, (5.0, 0.0), (9.0, -7.0), (2.0, 1.4))
    antlers = [limb(sheet, (9.0, -8.0), (x, -15.0), (0.6, 0.4)) for x in (5.0, 9.0, 13.0)]
    rump = ellipse(sheet, (-8.5, 0.5), (1.8, 2.4))
    return [(union(*antlers), 0.5), *_grazer(sheet, neck), (rump, 1.6)]


def _horse(sheet: Sheet) -> Parts:
    neck = limb(sheet, (4.0, 0.0), (9.0, -8.0), (3.6, 2.4))
    mane = limb(sheet, (2.5, -2.0), (7.0, -10.5), (1.0, 1.3))
    tail = limb(sheet, (-9.0, -1.0), (-12.0, sheet.uniform(6, 10)), (1.0, 1.7))
    return [*_grazer(sheet, neck), (union(mane, tail), 0.35)]


# In the order of the classes: the thing, its ground, its colour and how much that varies.
SCENES: tuple[tuple[Callable[[Sheet], Parts], tuple[Colour, Colour], Colour, float], ...] = (
    (_airplane, SKY, (0.75, 0.76, 0.80), 0.08),
    (_automobile, STREET, (0.60, 0.30, 0.28), 0.25),
    (_bird, MEADOW, (0.50, 0.44, 0.40), 0.12),
    (_cat, ROOM, (0.55, 0.45, 0.36), 0.05),
    (_deer, MEADOW, (0.55, 0.38, 0.22), 0.04),
    (_dog, ROOM, (0.62, 0.48, 0.32), 0.05),
    (_frog, MEADOW, (0.40, 0.55, 0.20), 0.07),
    (_horse, MEADOW, (0.38, 0.24, 0.16), 0.04),
    (_ship, SEA, (0.55, 0.48, 0.50), 0.18),
    (_truck, STREET, (0.66, 0.58, 0.42), 0.22),
)
