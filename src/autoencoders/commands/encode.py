"""`autoencoders encode`: the latents of people's own image files, as a table."""

import argparse
from collections.abc import Iterator

import numpy as np
import torch
from tqdm import tqdm

from autoencoders.application import tables
from autoencoders.application.find_variant import load
from autoencoders.commands import Parser, absolute_path, add_images
from autoencoders.datasets.batches import images_at_a_time
from autoencoders.errors import UserError
from autoencoders.images import output_paths
from autoencoders.images.file_names import printable
from autoencoders.images.listing import ImageFile, find_image_files
from autoencoders.images.picture import Floats, UnusableImage, to_encoder_input
from autoencoders.images.reading import read_image

BATCH = 256  # images in memory at once, or fewer if they are large


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("variant", metavar="DATASET/VARIANT", help="a trained variant")
    add_images(parser)
    parser.add_argument(
        "--to", type=absolute_path, required=True, metavar="TABLE", help="a .parquet or .csv file"
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write a row for each image: its path, its class folder, its latent; yield the table's path.

    Of a variational model the latent is the posterior mean; maps are written row by row.

    Raises:
        UserError: the variant is not trained; the table cannot be written; or, after all others
            are written, a line for each file that cannot be read or is not of the trained size.
    """
    trained = load(options.variant)
    shape = trained.input_shape
    tables.require_table(options.to)
    output_paths.require_writable(options.to.parent)
    images, failed = find_image_files(options.images, options.to)
    count, lost = images_at_a_time(shape, BATCH), 0
    with (
        tables.open_table(options.to, trained.latent_size) as append,
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
                stacked = torch.from_numpy(np.stack(list(batch.values()))).to(trained.device)
                latents = trained.model.encode(stacked).flatten(1).cpu().numpy()
                names = [printable(str(image.path)) for image in batch]
                append(names, [image.label for image in batch], latents)
        if lost:
            failed.append(f"{lost} of {len(images)} images are left out")
        if lost == len(images):  # no table is better than an empty one
            raise UserError("\n".join(failed))
    yield printable(str(options.to))
    if failed:
        raise UserError("\n".join(failed))
