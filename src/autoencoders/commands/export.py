"""`autoencoders export`: write a trained variant to an ONNX file."""

import argparse
from collections.abc import Iterator

from autoencoders.application import onnx_file
from autoencoders.application.find_variant import load
from autoencoders.commands import Parser, absolute_path
from autoencoders.errors import UserError
from autoencoders.files import write_bytes
from autoencoders.images.file_names import printable
from autoencoders.images.output_paths import require_writable

ENDING = ".onnx"


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("variant", metavar="DATASET/VARIANT", help="for example mnist/vae")
    parser.add_argument(
        "--part",
        choices=tuple(onnx_file.PARTS),
        default="network",
        help="network (default): from images to their reconstructions; encoder: from images to "
        "latents; decoder: from latents to images",
    )
    parser.add_argument(
        "--to", type=absolute_path, required=True, metavar="FILE", help=f"a file *{ENDING}"
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write a part of the variant to an ONNX file; yield the file's path, printable.

    An existing file is replaced only if it is an earlier export of the same part of this variant.

    Raises:
        UserError: the variant is not trained, or the file has another extension, is not an earlier
            export, or cannot be written.
    """
    if options.to.suffix.lower() != ENDING:
        found = printable(options.to.name)
        raise UserError(f"--to: found {found}; allowed: names that end in {ENDING}")
    require_writable(options.to.parent)
    trained = load(options.variant)
    if not onnx_file.may_replace(options.to, onnx_file.identity(trained, options.part)):
        raise UserError(
            f"--to: found {printable(str(options.to))}, which is not an earlier export of the "
            f"{options.part} of {trained.name}; allowed: a new file"
        )
    write_bytes(options.to, onnx_file.to_onnx(trained, options.part))
    yield printable(str(options.to))
