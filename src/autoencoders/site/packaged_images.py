"""Test images in the package, for ready networks outside a repository. It needs no torch.

`autoencoders release` writes a sheet per dataset: a row of images per class.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from autoencoders import ready
from autoencoders.files import atomic_file
from autoencoders.param_types import Bytes
from autoencoders.site.drawing import DRAWN_SHAPE

PER_CLASS = 10
NAMES = "class_names"  # the key of the names in the file


@dataclass(frozen=True)
class PackagedImages:
    """Test images `(N, 1, 28, 28)`, uint8, the class of each one, and the names of the classes."""

    images: Bytes
    classes: list[int]
    class_names: list[str]


def load(dataset: str) -> PackagedImages | None:
    """Return the test images of a dataset; None if the package has none."""
    path = ready.FOLDER / f"{dataset}.png"
    if not path.exists():
        return None
    side = DRAWN_SHAPE[1]
    with Image.open(path) as sheet:
        names = json.loads(sheet.info[NAMES])
        cells = np.asarray(sheet).reshape(len(names), side, PER_CLASS, side)
    images = cells.swapaxes(1, 2).reshape(-1, *DRAWN_SHAPE)
    return PackagedImages(images, [i // PER_CLASS for i in range(len(images))], names)


def write(
    dataset: str, images: Bytes, classes: npt.NDArray[np.integer], class_names: Sequence[str]
) -> None:
    """Write the first images of each class of `images` `(N, 1, 28, 28)` into the package.

    `classes` `(N,)` are the indices of their names; each class has ten images or more.
    """
    rows = [images[classes == index][:PER_CLASS, 0] for index in range(len(class_names))]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    info = PngInfo()
    info.add_text(NAMES, json.dumps(class_names))
    with atomic_file(ready.FOLDER / f"{dataset}.png") as temporary:
        Image.fromarray(sheet).save(temporary, format="png", optimize=True, pnginfo=info)
