"""What a network gets of a drawing in the browser. It needs no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autoencoders.images.picture import Floats

ASSETS = Path(__file__).parent  # the folder of the pages' files
DRAWN_SHAPE = (1, 28, 28)  # the (C, H, W) of a drawing, as in MNIST
EXAMPLES = 5  # images that a visitor may choose instead of a drawing
# Pillow's filters are antialiased, and equal PyTorch's to rounding.
FILTERS = {
    "average": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def encoder_input(input: Mapping[str, Any]) -> dict[str, Any]:
    """Return how `encoderInput` in drawing.js makes the encoder input from a drawing X, 28×28.

    `input` is an input as in params.yaml. The result has the `matrix` R of the smaller image
    R·X·Rᵀ (None for an input of the same size), the `mean` of the noise, its `std` in training
    (the middle of a range), and whether noisy pixels `clamp` to [0, 1].
    """
    side = DRAWN_SHAPE[1]
    matrix = None
    if "factor" in input:
        size = side, side // input["factor"]
        identity = Image.fromarray(np.eye(side, dtype=np.float32))
        matrix = np.asarray(identity.resize(size, FILTERS[input["reduction"]])).tolist()
    return {
        "matrix": matrix,
        "mean": input.get("mean", 0.0),
        "std": float(np.mean(input.get("std", 0.0))),
        "clamp": input.get("clamp", True),
    }


def apply_input(images: Floats, given: Mapping[str, Any]) -> Floats:
    """Return encoder inputs of images `(N, 1, 28, 28)` in [0, 1], with the noise of the training.

    `given` is a result of `encoder_input`. The same call gives the same noise.
    """
    if given["matrix"] is not None:
        matrix = np.array(given["matrix"], np.float32)
        images = (matrix @ images @ matrix.T).clip(0, 1)
    noise = np.random.default_rng(0).standard_normal(images.shape, np.float32)
    noisy: Floats = images + given["mean"] + given["std"] * noise
    return noisy.clip(0, 1) if given["clamp"] else noisy


def choose_examples(classes: Sequence[int]) -> list[int]:
    """Return the indices of five images, of as many classes as possible.

    `classes` has the class of each image.
    """
    first = {name: index for index, name in reversed(list(enumerate(classes)))}
    preferred = dict.fromkeys([*sorted(first.values()), *range(len(classes))])
    return list(preferred)[:EXAMPLES]
