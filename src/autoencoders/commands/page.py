"""`autoencoders page`: write a page on which networks run in the visitor's browser."""

import argparse
from collections.abc import Iterator

from autoencoders.commands import Parser, absolute_path, add_network
from autoencoders.images.file_names import printable
from autoencoders.images.output_paths import require_writable
from autoencoders.site import folder
from autoencoders.site.networks import find


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    add_network(parser, nargs="+")
    parser.add_argument(
        "--to", type=absolute_path, required=True, metavar="FOLDER", help="for any static host"
    )
    parser.add_argument(
        "--runtime",
        type=absolute_path,
        metavar="FOLDER",
        help="files of onnxruntime-web: the folder dist of its package; default: npm fetches it",
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write the page; yield the folder, its size, and how to serve it.

    An existing folder is replaced only if it is empty or an earlier page.

    Raises:
        UserError: there is no such network, it has other images, onnxruntime-web is not available,
            or the folder cannot be written or replaced.
    """
    require_writable(options.to.parent)
    folder.require_replaceable(options.to)
    exhibits = [find(name) for name in dict.fromkeys(options.variant)]
    size = folder.write(options.to, exhibits, options.runtime)
    name = printable(str(options.to))
    yield name
    yield f"{size / 1e6:.1f} MB; serve it: python -m http.server -d {name}"
