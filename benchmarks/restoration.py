"""`python -m benchmarks.restoration photos/photo_denoise ~/Set12`: whole photographs, as in papers.

What the variant's encoder sees is made of each image, and put through the network and through what
learns nothing. PSNR is a mean over images, in dB, of outputs in [0, 1].

- Noise is drawn anew for each image, by the params' seed and the file's name.
- Of an image that is reduced, rows and columns that the factor does not divide are left out, what
  is seen is rounded to 8 bits, and as many pixels as the factor are left out at each border. Of
  colours, a grey network is given the luma of BT.601, from 16 to 235 (Dong et al., arXiv
  1501.00092).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from autoencoders import params, randomness
from autoencoders.application.find_variant import load
from autoencoders.application.network import trained_network
from autoencoders.device import tune_cpu
from autoencoders.errors import UserError
from autoencoders.evaluation.image_quality import luma, psnr
from autoencoders.evaluation.noise_sweep import with_noise_level
from autoencoders.images.listing import list_images
from autoencoders.images.picture import to_floats, to_opaque_planes
from autoencoders.images.reading import read_image
from autoencoders.variants.inputs import Input


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restoration", description=__doc__)
    parser.add_argument("variant", help="DATASET/VARIANT, trained")
    parser.add_argument("folder", type=Path, help="of images")
    parser.add_argument(
        "--std", type=float, help="of the noise, of 255 greys, in place of the variant's own"
    )
    options = parser.parse_args(arguments)
    try:
        rows = measured(options.variant, options.folder, options.std)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(["| | PSNR, dB |", "|---|---|", *rows]))
    return 0


def measured(name: str, folder: Path, std: float | None = None) -> list[str]:
    """Return a row for the network and for each yardstick of its input, or with noise of `std`."""
    loaded, trained = params.load(), load(name)
    variant = loaded.variants[trained.description.name]
    tune_cpu(variant.training.threads)
    network = trained_network(trained)
    see = variant.input.build()
    if std is not None:
        see = with_noise_level(see, std / 255)
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        name: lambda seen: torch.from_numpy(network(seen[0].numpy()))[None],
        **see.yardsticks(),
    }
    values: dict[str, list[float]] = {way: [] for way in ways}
    for below in list_images(folder).images:
        image = photograph(folder / below, network.channels, network.factor)
        seen = seen_of(image, see, network.factor, randomness.noise(loaded.seed, below.as_posix()))
        for way, predict in ways.items():
            values[way].append(of_inside(predict(seen), image, network.factor))
    if not values[name]:
        raise UserError(f"{folder} holds no image")
    return [f"| {way} | {sum(of) / len(of):.2f} |" for way, of in values.items()]


def photograph(path: Path, channels: int, factor: int) -> Tensor:
    """Return an image `(1, C, H, W)` in [0, 1], of the size that can be reduced."""
    picture = read_image(path)
    colours = torch.from_numpy(to_floats(to_opaque_planes(picture, 3)))
    if channels == 3:
        image = colours
    elif factor > 1 and not torch.equal(colours[0], colours[1]):
        image = (16 + 219 * luma(colours[None])[0]) / 255
    else:
        image = torch.from_numpy(to_floats(to_opaque_planes(picture, 1)))
    height, width = (length - length % factor for length in image.shape[1:])
    return image[None, :, :height, :width]


def seen_of(image: Tensor, see: Input, factor: int, noise: randomness.Noise) -> Tensor:
    """Return what the encoder sees; of a small image what a file would hold."""
    seen = see(image, noise)
    return seen if factor == 1 else (seen * 255).round() / 255


def of_inside(prediction: Tensor, image: Tensor, factor: int) -> float:
    """Return the PSNR, of an enlargement without its border."""
    border = factor if factor > 1 else 0
    inside = (..., slice(border, image.shape[2] - border), slice(border, image.shape[3] - border))
    return psnr(prediction[inside], image[inside]).item()


if __name__ == "__main__":
    sys.exit(main())
