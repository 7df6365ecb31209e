"""`python -m benchmarks.restoration photos/photo_denoise ~/Set12`: PSNR of whole images.

The network and the yardsticks of the variant's input restore each image from its encoder input, as
in papers. PSNR is the mean over images, in dB, of outputs in [0, 1].

- The noise of an image is seeded by the seed of params.yaml and the file's name.
- For a reducing input, the image is cropped to a multiple of the factor, the encoder input is
  rounded to 8 bits, and the error ignores a border as wide as the factor. A grey network restores
  the luma (BT.601, 16 to 235) of colour images (Dong et al., arXiv 1501.00092).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from autoencoders import params, randomness
from autoencoders.application.find_variant import load
from autoencoders.application.torch_network import trained_network
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
    parser.add_argument("variant", help="trained variant: DATASET/VARIANT")
    parser.add_argument("folder", type=Path, help="folder of images")
    parser.add_argument(
        "--std",
        type=float,
        help="standard deviation of the noise, of 255, instead of the variant's",
    )
    options = parser.parse_args(arguments)
    try:
        rows = measure(options.variant, options.folder, options.std)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(["| | PSNR, dB |", "|---|---|", *rows]))
    return 0


def measure(name: str, folder: Path, std: float | None = None) -> list[str]:
    """Return a table row for the network and each yardstick; `std` replaces the input's noise."""
    loaded, trained = params.load(), load(name)
    variant = loaded.variants[trained.description.name]
    tune_cpu(variant.training.threads)
    network = trained_network(trained)
    make_input = variant.input.build()
    if std is not None:
        make_input = with_noise_level(make_input, std / 255)
    methods: dict[str, Callable[[Tensor], Tensor]] = {
        name: lambda inputs: torch.from_numpy(network(inputs[0].numpy()))[None],
        **make_input.yardsticks(),
    }
    values: dict[str, list[float]] = {method: [] for method in methods}
    for path in list_images(folder).images:
        image = photograph(folder / path, network.channels, network.factor)
        noise = randomness.noise(loaded.seed, path.as_posix())
        inputs = encoder_input(image, make_input, network.factor, noise)
        for method, predict in methods.items():
            values[method].append(psnr_inside(predict(inputs), image, network.factor))
    if not values[name]:
        raise UserError(f"{folder}: found no image; give a folder with images")
    return [f"| {method} | {sum(psnrs) / len(psnrs):.2f} |" for method, psnrs in values.items()]


def photograph(path: Path, channels: int, factor: int) -> Tensor:
    """Return an image `(1, C, H, W)` in [0, 1], cropped to a multiple of the factor."""
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


def encoder_input(image: Tensor, make_input: Input, factor: int, noise: randomness.Noise) -> Tensor:
    """Return the encoder input `(1, C, H / factor, W / factor)`, rounded to 8 bits if reduced."""
    inputs = make_input(image, noise)
    return inputs if factor == 1 else (inputs * 255).round() / 255


def psnr_inside(prediction: Tensor, image: Tensor, factor: int) -> float:
    """Return the PSNR in dB of `(1, C, H, W)`; the border of an enlargement does not count."""
    border = factor if factor > 1 else 0
    inside = (..., slice(border, image.shape[2] - border), slice(border, image.shape[3] - border))
    return psnr(prediction[inside], image[inside]).item()


if __name__ == "__main__":
    sys.exit(main())
