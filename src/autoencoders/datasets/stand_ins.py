"""Generated images that replace a published dataset if its official files cannot be downloaded.

They are pictures of the classes with random deformations and textures: scikit-learn's handwritten
digits for MNIST, and the silhouettes below for the other datasets.
"""

import zlib
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor, ImageDraw
from scipy import ndimage
from sklearn.datasets import load_digits

from autoencoders.datasets.catalogue import DATASETS
from autoencoders.param_types import Bytes

Floats = npt.NDArray[np.floating[Any]]
Split = Literal["train", "test"]

CHUNK = 500  # images drawn at once: the arrays of one chunk fit into the processor's cache
UNITS, PIXELS = 20, 8  # the side of a silhouette in units; the pixels per unit

# Outlines in units, x to the right and y down: first of the body, after `|` of darker details.
# An outline that starts with `=` is drawn twice: as given and mirrored.
GARMENTS = (
    "=10,4 12,2 15,3 20,8 17,11 15,9 15,19 10,19",  # T-shirt/top
    "=10,0 14,0 15,20 11,20 10,6",  # Trouser
    "=10,3 12,2 15,3 18,8 20,18 17,19 15,10 15,18 10,18",  # Pullover
    "=10,4 11,4 12,0 13,0 13,8 16,20 10,20",  # Dress
    "=10,3 12,1 15,2 18,7 19,16 17,17 15,9 16,20 10,20"  # Coat
    "|=10,3 10.6,3 10.6,20 10,20; =11,13 14,13 14,14 11,14",
    "0,15 6,14 13,16 20,15 20,17 0,18; 1,15 2,8 4,8 3,15; 9,16 13,10 15,11 12,17",  # Sandal
    "=10,4 12,1 15,2 18,7 18,14 16,14 14,9 14,20 10,20"  # Shirt
    "|=10,6 12,1 13,2 10,8; =10,10 11,10 11,11 10,11; =10,14 11,14 11,15 10,15",
    "0,9 3,8 8,8 12,12 18,13 20,16 20,18 0,18|0,16 20,16 20,17 0,17",  # Sneaker
    "=10,8 18,8 19,19 10,19; =10,1 14,2 15,8 14,8 13,3 10,2|=10,11 18,11 18,12 10,12",  # Bag
    "3,1 11,1 11,10 18,13 20,16 20,18 7,18 6,16 6,19 2,19",  # Ankle boot
)
SCENES = (
    "=10,0 11,3 11,8 20,13 20,15 11,12 11,16 14,18 14,20 10,19",  # airplane
    "0,12 3,11 6,7 13,7 16,11 20,12 20,16 0,16"  # automobile
    "|6,8 13,8 15,11 5,11; 3,14 7,14 7,18 3,18; 13,14 17,14 17,18 13,18",
    "0,7 4,4 7,5 9,8 14,4 20,3 15,9 18,14 12,13 9,15 8,19 7,19 7,14 4,11 3,8",  # bird
    "=10,6 13,6 17,1 18,11 15,17 10,19|=12,9 15,9 15,12 12,12; =10,13 11,13 10,15",  # cat
    "=10,9 13,9 18,8 15,12 13,18 10,20; =12,9 14,0 15,0 15,3 18,1 15,6 13,9"  # deer
    "|=12,11 14,11 13,13; =10,17 12,17 10,19",
    "=10,3 14,3 19,5 20,14 17,15 16,9 15,15 13,19 10,19"  # dog
    "|=12,8 14,8 14,10 12,10; =10,12 12,12 10,15; =17,6 19,7 19,13 17,14",
    "=10,8 12,8 13,4 17,4 18,8 20,12 17,16 19,19 14,18 10,18"  # frog
    "|=14,5 16,5 16,7 14,7; =10,13 17,11 17,12 10,14",
    "0,7 4,3 6,1 8,6 17,7 19,9 20,15 18,11 18,20 16,20 15,13 9,13 9,20 7,20 6,10 4,8 1,9",  # horse
    "0,12 20,12 17,17 3,17; 5,8 15,8 15,12 5,12; 8,2 11,2 11,8 8,8"  # ship
    "|6,9 14,9 14,10 6,10; 1,14 19,14 18,15 2,15",
    "0,4 13,4 13,8 17,8 20,12 20,16 0,16"  # truck
    "|14,9 17,9 19,12 14,12; 2,14 6,14 6,18 2,18; 14,14 18,14 18,18 14,18",
)
# The mean colours of each scene's background and body.
BEHIND = "skyblue dimgray cadetblue rosybrown darkolivegreen tan sienna olivedrab steelblue gray"
BODIES = "silver brown dimgray gray chocolate sienna yellowgreen saddlebrown gainsboro royalblue"


def generate(dataset: str, split: Split, n_images: int, seed: int) -> tuple[Bytes, Bytes]:
    """Return stand-in images in random order, with classes balanced to within one image.

    The result depends only on the arguments.

    Args:
        dataset: a name in `DATASETS`.
        split: `train` or `test`; they use different handwritten digits.
        n_images: the number of images of all classes together.
        seed: a non-negative integer; different seeds give different images.

    Returns:
        Images, `(N, H, W)` or `(N, 3, H, W)`, and labels `(N,)`, both uint8.
    """
    rng = np.random.default_rng([seed, zlib.crc32(f"{dataset} {split}".encode())])
    classes = len(DATASETS[dataset].class_names)
    labels = rng.permutation(np.arange(n_images) % classes).astype(np.uint8)
    images = []
    for chunk in np.split(labels, range(CHUNK, n_images, CHUNK)):
        if dataset == "mnist":
            pixels = _digits(rng, chunk, split)
        else:
            pixels = _garments(rng, chunk) if dataset == "fashion_mnist" else _scenes(rng, chunk)
        images.append(np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8))
    return np.concatenate(images), labels


def _digits(rng: np.random.Generator, labels: Bytes, split: Split) -> Floats:
    """Return deformed handwritten digits with strokes of varied width, `(N, 28, 28)`."""
    pictures, members = _handwriting(split)
    chosen = np.array([rng.choice(members[label]) for label in labels])
    x, y = _warp(rng, len(labels), side=28, fill=20 / 28, turn=0.1, bend=0.03)
    return _cover(_sample(pictures, chosen, x, y), rng.uniform(0.5, 0.7, (len(labels), 1, 1)))


def _garments(rng: np.random.Generator, labels: Bytes) -> Floats:
    """Return garments with a cloth texture, `(N, 28, 28)`."""
    body, detail = _shapes(GARMENTS, labels, *_warp(rng, len(labels), 28, 26 / 28, 0.05, 0.02))
    cloth = rng.uniform(0.4, 1, (len(labels), 1, 1)) + 0.1 * _smooth(rng, len(labels), 28, 8)
    cloth += rng.normal(0, 0.04, cloth.shape)
    return body * np.clip(cloth, 0.1, 1) * (1 - 0.6 * detail)


def _scenes(rng: np.random.Generator, labels: Bytes) -> Floats:
    """Return coloured objects before a background, half of them mirrored, `(N, 3, 32, 32)`."""
    n = len(labels)
    x, y = _warp(rng, n, side=32, fill=26 / 32, turn=0.05, bend=0.02)
    x = np.where(rng.random((n, 1, 1)) < 0.5, x, 1 - x)
    body, detail = (part[:, None] for part in _shapes(SCENES, labels, x, y))
    layers = []
    for names in (BEHIND, BODIES):
        colours = np.array([ImageColor.getrgb(name) for name in names.split()])[labels] / 255
        colours = colours + rng.normal(0, 0.12, (n, 1)) + rng.normal(0, 0.08, (n, 3))
        texture = 0.1 * _smooth(rng, n, 32, 4) + 0.06 * _smooth(rng, n, 32, 12)
        texture += rng.normal(0, 1, texture.shape) * rng.uniform(0.02, 0.07, (n, 1, 1))
        layers.append(colours[..., None, None] + texture[:, None])
    background, body_colours = layers
    return background + body * (body_colours * (1 - 0.7 * detail) - background)


def _warp(
    rng: np.random.Generator, n: int, side: int, fill: float, turn: float, bend: float
) -> tuple[Floats, Floats]:
    """Return randomly deformed picture coordinates of each pixel: x and y, `(N, side, side)`.

    Coordinates in [0, 1] lie inside the picture, which fills the share `fill` of an image. The
    picture is rotated, slanted, stretched, shifted and bent.
    """
    axis = (np.arange(side) + 0.5) / side - 0.5
    angle, slant, wide, high, right, down = rng.normal(0, 1, (6, n, 1, 1))
    x, y = axis - 0.5 / side * right, axis[:, None] - 0.5 / side * down
    cos, sin = np.cos(turn * angle), np.sin(turn * angle)
    x, y = cos * x + (sin + turn * slant) * y, cos * y - sin * x
    x = x / (fill * np.exp(0.08 * wide)) + bend * _smooth(rng, n, side, 4)
    y = y / (fill * np.exp(0.05 * high)) + bend * _smooth(rng, n, side, 4)
    return x + 0.5, y + 0.5


def _smooth(rng: np.random.Generator, n: int, side: int, knots: int) -> Floats:
    """Return smooth random functions `(N, side, side)`: splines through `knots`² normal values."""
    weights = ndimage.zoom(np.eye(knots), (side / knots, 1), mode="nearest", grid_mode=True)
    return np.asarray(weights @ rng.normal(0, 1, (n, knots, knots)) @ weights.T)


def _cover(soft: Floats, threshold: Floats | float = 0.5) -> Floats:
    """Return the share of each pixel inside the shape of a blurred picture, in the same shape."""
    return np.clip(2.5 * (soft - threshold) + 0.5, 0, 1)


def _sample(pictures: Floats, chosen: npt.NDArray[Any], x: Floats, y: Floats) -> Floats:
    """Return the chosen pictures' values at coordinates `(N, side, side)`; 0 outside [0, 1]."""
    indices, size = np.broadcast_to(chosen[:, None, None], x.shape), pictures.shape[-1]
    coordinates = np.stack([indices, y * size - 0.5, x * size - 0.5])
    return np.asarray(ndimage.map_coordinates(pictures, coordinates, order=1))


@cache
def _handwriting(split: Split) -> tuple[Floats, list[npt.NDArray[np.intp]]]:
    """Return a split's handwritten digits, enlarged and sharpened, and the indices per class."""
    digits = load_digits()
    is_test = np.arange(len(digits.target)) // 10 % 5 == 4
    part = is_test if split == "test" else ~is_test
    pictures = []
    for image in digits.images[part] / 16:
        large = ndimage.zoom(image, 5, mode="grid-constant", grid_mode=True)
        centre = ndimage.center_of_mass(np.clip(large, 0, 1))  # MNIST centres digits by mass
        large = ndimage.shift(large, (len(large) - 1) / 2 - np.array(centre), order=1)
        pictures.append(1.8 * large - 0.8 * ndimage.gaussian_filter(large, 5))
    return np.stack(pictures), [np.flatnonzero(digits.target[part] == k) for k in range(10)]


def _shapes(
    silhouettes: tuple[str, ...], labels: Bytes, x: Floats, y: Floats
) -> tuple[Floats, Floats]:
    """Return the share of each pixel covered by bodies and by details, `(N, side, side)` each."""
    bodies, details = _pictures(silhouettes)
    return _cover(_sample(bodies, labels, x, y)), _cover(_sample(details, labels, x, y))


@cache
def _pictures(silhouettes: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Return blurred pictures of bodies and of their details, `(10, 160, 160)` each."""
    bodies = [_draw(outlines.partition("|")[0]) for outlines in silhouettes]
    details = [_draw(outlines.partition("|")[2]) for outlines in silhouettes]
    return np.stack(bodies), np.stack(details)


def _draw(outlines: str) -> Floats:
    """Return a blurred picture `(160, 160)` of filled outlines."""
    canvas = np.zeros((UNITS * PIXELS, UNITS * PIXELS))
    for outline in filter(None, outlines.split("; ")):
        pairs = [pair.split(",") for pair in outline.removeprefix("=").split()]
        image = Image.new("L", canvas.shape)
        ImageDraw.Draw(image).polygon([(float(x) * PIXELS, float(y) * PIXELS) for x, y in pairs], 1)
        canvas += np.asarray(image)
        if outline.startswith("="):
            canvas += np.asarray(image)[:, ::-1]
    return np.asarray(ndimage.gaussian_filter(np.minimum(canvas, 1), 0.4 * PIXELS))
