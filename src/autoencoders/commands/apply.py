"""`autoencoders apply`: apply a trained network to image files."""

import argparse
import errno
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from autoencoders.application import choose
from autoencoders.application.colour import apply_network
from autoencoders.application.onnx_network import onnx_network
from autoencoders.commands import Parser, absolute_path, add_images, add_precision
from autoencoders.errors import UserError, warn
from autoencoders.files import write_bytes
from autoencoders.images.file_names import printable
from autoencoders.images.listing import find_image_files
from autoencoders.images.output_paths import (
    FORMAT_OF_EXTENSION,
    FORMATS,
    format_named,
    may_replace,
    plan_outputs,
    require_writable,
    single_output_file,
)
from autoencoders.images.picture import UnusableImage, resize_picture
from autoencoders.images.reading import read_image
from autoencoders.images.writing import KEPT_DEPTHS, encode_image, require_support, written_depth


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "variant",
        type=lambda argument: (argument, absolute_path(argument)),
        metavar="NETWORK",
        help="a name of `autoencoders models` such as mnist_denoise, <dataset>/<variant> of this "
        "repository, or a file of `autoencoders export`; not with --model",
    )
    images = add_images(parser)

    def model(uri: str) -> str:
        images.required = False  # the first argument is then an image, and may be the only one
        return uri

    parser.add_argument(
        "--to", type=absolute_path, required=True, metavar="OUT", help="output folder, or one file"
    )
    parser.add_argument(
        "--model",
        type=model,
        metavar="URI",
        help="a registered model instead, such as models:/mnist-denoise/1; it takes one image size",
    )
    parser.add_argument(
        "--format",
        type=format_named,
        choices=FORMATS,
        help="format of the outputs; default: that of the input, or png",
    )
    parser.add_argument(
        "--colour",
        choices=("channels", "luma"),
        default="channels",
        help="how a grey network processes colour images: each channel (default) or only the luma",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="write each input and its output side by side in one image",
    )
    add_precision(parser)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write the network's output for each image; yield the written paths, printable.

    Each image is an encoder input: noisy for a denoiser, small for an upscaler. An existing file is
    replaced only if the same variant wrote it for the same input.

    Raises:
        UserError: there is no such network, or the folder cannot be written. After all other
            images are written: a line for each one that cannot be read, used or written.
    """
    name, path = options.variant
    sources: list[Path] = options.images or []
    if options.model is not None:  # the first argument is an image
        network = choose.registered_network(options.model)
        sources = [path, *sources]
    elif path.suffix.lower() == ".onnx":
        network = onnx_network(path)
    else:
        network = choose.network(name, options.precision)
    images, failed = find_image_files(sources, options.to)
    file = single_output_file(options.to, len(images), options.format)
    require_writable(file.parent if file else options.to)
    ending = f"{network.name}-compared" if options.compare else network.name
    named = plan_outputs(images, options.to, file, options.format, ending, network.source)
    shallow: list[Path] = []
    lost = untried = 0
    bar = tqdm(named, unit="image", disable=None, leave=False)
    for number, (image, target, origin) in enumerate(bar, 1):
        try:
            picture = read_image(image.path)
            if options.resize:
                picture = resize_picture(picture, *network.input_shape[1:])
            kind = FORMAT_OF_EXTENSION[target.suffix.lower()]
            require_support(picture, kind, network.factor)
            picture = apply_network(network, picture, options.colour == "luma", options.compare)
            content = encode_image(picture, kind, origin)
            if not may_replace(target, origin):
                raise UnusableImage(
                    f"another process has just written {printable(str(target))}: run this command "
                    "again"
                )
            write_bytes(target, content)
        except UnusableImage as reason:
            failed.append(f"{printable(str(image.path))}: {reason}")
            lost += 1
        except OSError as error:
            why = error.strerror or str(error)
            failed.append(f"{printable(str(target))} cannot be written: {why}")
            lost += 1
            if error.errno not in (None, errno.ENAMETOOLONG):  # the others would fail too
                untried = len(images) - number
                break
        else:
            if written_depth(picture, kind) < picture.depth:
                shallow.append(image.path)
            bar.clear()  # the path is printed on its line
            yield printable(str(target))
    if shallow:
        others = f" and {len(shallow) - 1} more" if len(shallow) > 1 else ""
        first = printable(str(shallow[0]))
        warn(
            f"{first}{others}: written with fewer bits per channel than the file has: {KEPT_DEPTHS}"
        )
    if lost:
        rest = f", {untried} of them not tried" if untried else ""
        failed.append(f"{lost + untried} of {len(images)} images not written{rest}")
    if failed:
        raise UserError("\n".join(failed))
