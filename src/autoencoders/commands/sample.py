"""`autoencoders sample`: generate new images with a trained network."""

import argparse
from collections.abc import Iterator

from tqdm import tqdm

from autoencoders.application import choose, ready_samples
from autoencoders.commands import Parser, absolute_path, add_network, integer
from autoencoders.errors import UserError
from autoencoders.files import write_bytes
from autoencoders.images import output_paths
from autoencoders.images.file_names import printable
from autoencoders.images.origin import make_origin
from autoencoders.images.picture import Floats, Picture
from autoencoders.images.writing import encode_image


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    add_network(parser)
    parser.add_argument(
        "--count", type=integer(1), default=64, help="number of images; default: 64"
    )
    parser.add_argument(
        "--sampler",
        default="prior",
        help="distribution of the codes: prior (default), or gaussian or mixture, which are fitted "
        "to the codes of the training images",
    )
    parser.add_argument("--seed", type=integer(0), default=0, help="random seed; default: 0")
    parser.add_argument(
        "--to", type=absolute_path, required=True, metavar="OUT", help="output folder for PNG files"
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Draw codes, decode them and write the images; yield the written paths, printable.

    An existing file is replaced only if it is an earlier sample with the same name.

    Raises:
        UserError: there is no such network, the sampler does not suit it, or the folder cannot
            be written.
    """
    if output_paths.is_file_name(options.to):
        found = printable(options.to.name)
        raise UserError(f"--to: found {found}; allowed: {output_paths.FOLDER}")
    output_paths.require_writable(options.to)
    what = options.variant, options.sampler, options.count, options.seed
    images = (ready_samples.draw_images if choose.is_ready(options.variant) else _draw)(*what)
    taken: set[str] = set()
    shown = tqdm(images, total=options.count, unit="image", disable=None, leave=False)
    for number, image in enumerate(shown):
        ending = f"{options.sampler}-{options.seed}-{number:05}"
        name = f"{options.variant.rpartition('/')[2]}-{ending}"
        origin = make_origin(f"{options.variant}-{ending}")
        target = output_paths.free_path(options.to / f"{name}.png", origin, taken)
        write_bytes(target, encode_image(Picture(image), "png", origin))
        yield printable(str(target))


def _draw(variant: str, sampler: str, count: int, seed: int) -> Iterator[Floats]:
    """Return an iterator over new images `(C, H, W)` from a variant of this repository."""
    from autoencoders import params  # here, because these modules import torch
    from autoencoders.application import sampling
    from autoencoders.application.find_variant import load

    settings = params.load().evaluation
    trained = load(variant, settings.batch_size)
    return sampling.draw_images(
        trained, sampling.fit_sampler(sampler, trained, settings), count, seed
    )
