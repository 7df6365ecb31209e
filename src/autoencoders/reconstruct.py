"""People's own image files through a trained variant."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from autoencoders import paths, trained
from autoencoders.data.folders import MODES
from autoencoders.errors import UserError
from autoencoders.files import atomic_file
from autoencoders.inputs import ImageShape


@torch.no_grad()
def files(dataset: str, variant: str, images: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Write each image's reconstruction into `folder` as a PNG; yield the paths written.

    An image is what the encoder sees: a noisy one for a denoiser, a small one for an upscaler.

    Raises:
        UserError: a file is no image, or not of the size that the variant was trained on; or the
            variant is not trained.
    """
    description, networks = trained.load(paths.model(dataset, variant))
    shape = networks.corruption.shape(description.image_shape)
    batch = torch.stack([_read(image, shape) for image in images])
    for image, output in zip(images, networks.model(batch), strict=True):
        target = folder / f"{image.stem}-{variant}.png"
        _write(target, output)
        yield target


def _read(path: Path, shape: ImageShape) -> Tensor:
    channels, height, width = shape
    try:
        with Image.open(path) as opened:
            image = opened.convert(MODES[channels])
    except (FileNotFoundError, IsADirectoryError, UnidentifiedImageError):
        raise UserError(f"{path} is not an image file: give PNG, JPEG or the like") from None
    if image.size != (width, height):
        found = f"{image.size[0]}×{image.size[1]}"
        raise UserError(
            f"{path} is {found} pixels; this variant takes {width}×{height}: resize it first"
        )
    pixels = np.asarray(image, dtype=np.float32).reshape(height, width, channels) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _write(target: Path, image: Tensor) -> None:
    pixels = image.mul(255).round().byte().permute(1, 2, 0).squeeze(2).numpy()
    with atomic_file(target) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")
