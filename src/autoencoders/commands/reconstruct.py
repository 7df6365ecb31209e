"""`autoencoders reconstruct`: people's own image files through a trained variant."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from autoencoders import paths
from autoencoders.commands import Commands
from autoencoders.errors import UserError
from autoencoders.files import atomic_file
from autoencoders.keys import ImageShape
from autoencoders.lazy import Tensor, torch
from autoencoders.pipeline import Item


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("reconstruct", help="put image files through a trained variant")
    parser.add_argument("dataset")
    parser.add_argument("variant")
    parser.add_argument("images", nargs="+", type=_resolved, help="what the encoder is to see")
    parser.add_argument("--to", type=_resolved, required=True, help="the folder to write PNGs into")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write each image's reconstruction into a folder as a PNG; yield the paths written.

    An image is what the encoder sees: a noisy one for a denoiser, a small one for an upscaler.

    Raises:
        UserError: a file is no image, or not of the size that the variant was trained on; or the
            variant is not trained.
    """
    from autoencoders.device import exact_device
    from autoencoders.trained import variant

    item = Item("train", options.dataset, options.variant)
    folder = paths.model(item.dataset, item.variant)
    device = exact_device()
    _, assembled = variant.load(folder, item.name, device)
    batch = torch.stack([_read(image, assembled.plan.input_shape) for image in options.images])
    with torch.no_grad():
        outputs = assembled.model(batch.to(device)).cpu()
    for image, output in zip(options.images, outputs, strict=True):
        target = options.to / f"{image.stem}-{item.variant}.png"
        _write(target, output)
        yield str(target)


def _resolved(argument: str) -> Path:
    return Path(argument).resolve()


def _read(path: Path, shape: ImageShape) -> Tensor:
    from autoencoders.sources import pictures

    channels, height, width = shape
    try:
        pixels = pictures.read(path, channels).pixels
    except pictures.Unfit as reason:
        raise UserError(f"{path}: {reason}") from None
    if pixels.shape != shape:
        found = f"{pixels.shape[2]}×{pixels.shape[1]}"
        raise UserError(
            f"{path} is {found} pixels; this variant takes {width}×{height}: resize it first"
        )
    return torch.from_numpy(pixels.copy()).float() / 255


def _write(target: Path, image: Tensor) -> None:
    from PIL import Image

    pixels = image.mul(255).round().byte().permute(1, 2, 0).squeeze(2).numpy()
    with atomic_file(target) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")
