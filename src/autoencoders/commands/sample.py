"""`autoencoders sample`: new images from a trained variant."""

import argparse
from collections.abc import Iterator

from tqdm import tqdm

from autoencoders import params
from autoencoders.application import sampling
from autoencoders.application.find_variant import load
from autoencoders.commands import Parser, absolute_path, whole_number
from autoencoders.files import write_bytes
from autoencoders.images import output_paths
from autoencoders.images.file_names import printable
from autoencoders.images.picture import Picture
from autoencoders.images.writing import encode_image


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("variant", metavar="DATASET/VARIANT", help="a trained variant")
    parser.add_argument("--count", type=whole_number(1), default=64, help="how many; by default 64")
    parser.add_argument(
        "--sampler",
        default="prior",
        help="what codes are drawn from: prior (the default), or what is fitted to the codes of "
        "training images, gaussian or mixture",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="0 by default; the same, the same"
    )
    parser.add_argument(
        "--to",
        type=absolute_path,
        required=True,
        metavar="OUT",
        help="the folder to write PNGs into",
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write images of new codes into a folder; yield the paths written, printable.

    Of all that lies there, only earlier samples by the same name are replaced.

    Raises:
        UserError: the variant is not trained or has nothing to draw codes from; or the folder
            cannot be written.
    """
    output_paths.require_writable(options.to)
    settings = params.load().evaluation
    trained = load(options.variant, settings.batch_size)
    sampler = sampling.fit_sampler(options.sampler, trained, settings)
    images = sampling.draw_images(trained, sampler, options.count, options.seed)
    taken: set[str] = set()
    shown = tqdm(images, total=options.count, unit="image", disable=None, leave=False)
    for number, image in enumerate(shown):
        name = f"{trained.description.name}-{options.sampler}-{options.seed}-{number:05}"
        origin = f"{output_paths.SOFTWARE_NAME} {trained.description.dataset}/{name}"
        target = output_paths.free_path(options.to / f"{name}.png", origin, taken)
        write_bytes(target, encode_image(Picture(image), "png", origin))
        yield printable(str(target))
