"""`autoencoders apply`: people's own image files through a trained variant."""

import argparse
import errno
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from autoencoders.application.colour import apply_network
from autoencoders.application.find_variant import load
from autoencoders.application.network import registered_network, trained_network
from autoencoders.commands import Parser, absolute_path, add_images, add_precision
from autoencoders.errors import UserError, warn
from autoencoders.files import write_bytes
from autoencoders.images.file_names import printable
from autoencoders.images.listing import find_image_files
from autoencoders.images.output_paths import (
    FORMAT_OF_EXTENSION,
    FORMATS,
    plan_outputs,
    require_writable,
    single_output_file,
)
from autoencoders.images.picture import UnusableImage, resize_picture
from autoencoders.images.reading import read_image
from autoencoders.images.writing import KEPT_DEPTHS, encode_image, written_depth


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "variant",
        type=lambda argument: (argument, absolute_path(argument)),
        metavar="DATASET/VARIANT",
        help="a trained variant; left out with --model",
    )
    images = add_images(parser)

    def model(uri: str) -> str:
        images.required = False  # what stands first is no variant, and may be the only image
        return uri

    parser.add_argument(
        "--to",
        type=absolute_path,
        required=True,
        metavar="OUT",
        help="the folder to write into; for one image also a file",
    )
    parser.add_argument(
        "--model",
        type=model,
        metavar="URI",
        help="take a model of MLflow's, such as models:/mnist-denoise/1, for images of its size",
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="of the outputs; by default each input's, or else png"
    )
    parser.add_argument(
        "--colour",
        choices=("channels", "luma"),
        default="channels",
        help="what of a colour image goes through a grey network: each channel, or its luma alone",
    )
    parser.add_argument(
        "--compare", action="store_true", help="write each image and what became of it in one"
    )
    add_precision(parser)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write what the network makes of each image; yield the paths written, printable.

    An image is what the encoder sees: a noisy one for a denoiser, a small one for an upscaler. A
    file that cannot be read or does not fit costs none of the others theirs. Of all that lies in
    the folder, only what was made of the same file by the same variant is replaced.

    Raises:
        UserError: the variant is not trained; the folder cannot be written; or, after all others
            are written, a line for each file that cannot be read, does not fit, or is not written.
    """
    if options.model is None:
        network = trained_network(load(options.variant[0]), options.precision)
        sources: list[Path] = options.images
    else:  # what stands first is no variant, then
        network = registered_network(options.model)
        sources = [options.variant[1], *(options.images or [])]
    file = single_output_file(options.to, sources, options.format)
    require_writable(file.parent if file else options.to)
    images, failed = find_image_files(sources, options.to)
    name = f"{network.name}-compared" if options.compare else network.name
    named = plan_outputs(images, options.to, file, options.format, name, network.source)
    shallow: list[Path] = []
    lost = untried = 0
    bar = tqdm(named, unit="image", disable=None, leave=False)
    for number, (image, target, origin) in enumerate(bar, 1):
        try:
            picture = read_image(image.path)
            if options.resize:
                picture = resize_picture(picture, *network.input_shape[1:])
            picture = apply_network(network, picture, options.colour == "luma", options.compare)
            kind = FORMAT_OF_EXTENSION[target.suffix.lower()]
            write_bytes(target, encode_image(picture, kind, origin))
        except UnusableImage as reason:
            failed.append(f"{printable(str(image.path))}: {reason}")
            lost += 1
        except OSError as error:
            why = error.strerror or str(error)
            failed.append(f"{printable(str(target))} cannot be written: {why}")
            lost += 1
            if error.errno not in (None, errno.ENAMETOOLONG):  # the others would fail like it
                untried = len(images) - number
                break
        else:
            if written_depth(picture, kind) < picture.depth:
                shallow.append(image.path)
            bar.clear()  # what is printed would stand in it
            yield printable(str(target))
    if shallow:
        others = f" and {len(shallow) - 1} more" if len(shallow) > 1 else ""
        first = printable(str(shallow[0]))
        warn(f"{first}{others}: written with fewer bits than the file has: {KEPT_DEPTHS}")
    if lost:
        rest = f", {untried} of them not tried" if untried else ""
        failed.append(f"{lost + untried} of {len(images)} images are left out{rest}")
    if failed:
        raise UserError("\n".join(failed))
