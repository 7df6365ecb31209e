"""`autoencoders encode`: write the latents of image files to a table."""

import argparse
from collections.abc import Iterator
from math import prod

import numpy as np
from tqdm import tqdm

from autoencoders.application import choose, tables
from autoencoders.commands import Parser, absolute_path, add_images, add_network
from autoencoders.errors import UserError
from autoencoders.images import output_paths
from autoencoders.images.file_names import as_text, printable
from autoencoders.images.listing import ImageFile, find_image_files
from autoencoders.images.picture import Floats, UnusableImage, to_encoder_input
from autoencoders.images.reading import read_image

BATCH, BATCH_VALUES = 256, 2**24  # images in memory and pixel values in them, at most


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    add_network(parser)
    add_images(parser)
    parser.add_argument(
        "--to", type=absolute_path, required=True, metavar="TABLE", help="a .parquet or .csv file"
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write a row for each image: its path, class folder and latent; yield the table's path.

    The latent of a variational model is the posterior mean. Feature maps are flattened row by row.

    Raises:
        UserError: there is no such network, or the table cannot be written. After all other
            images are written: a line for each one that cannot be read or has another size.
    """
    coder = choose.coder(options.variant)
    shape = coder.input_shape
    tables.require_table(options.to)
    output_paths.require_writable(options.to.parent)
    images, failed = find_image_files(options.images, options.to)
    count, lost = max(1, min(BATCH, BATCH_VALUES // prod(shape))), 0
    with (
        tables.open_table(options.to, coder.latent_size) as append,
        tqdm(total=len(images), unit="image", disable=None, leave=False) as bar,
    ):
        for start in range(0, len(images), count):
            batch: dict[ImageFile, Floats] = {}
            for image in images[start : start + count]:
                try:
                    batch[image] = to_encoder_input(read_image(image.path), shape, options.resize)
                except UnusableImage as reason:
                    failed.append(f"{printable(str(image.path))}: {reason}")
                    lost += 1
                bar.update()
            if batch:
                latents = coder.encode(np.stack(list(batch.values())))
                names = [as_text(str(image.path)) for image in batch]
                append(names, [image.label for image in batch], latents.reshape(len(batch), -1))
        if lost:
            failed.append(f"{lost} of {len(images)} images were not encoded")
        if lost == len(images):  # discards the empty table
            raise UserError("\n".join(failed))
    yield printable(str(options.to))
    if failed:
        raise UserError("\n".join(failed))
