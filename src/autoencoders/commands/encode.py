"""`autoencoders encode`: the latents of people's own image files, as a table."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autoencoders.commands import Parser, absolute, add_images
from autoencoders.errors import UserError
from autoencoders.keys import ImageShape
from autoencoders.lazy import torch
from autoencoders.sources.names import printable

if TYPE_CHECKING:
    from autoencoders.application.given import Given
    from autoencoders.application.picture import Floats

BATCH = 256  # images in memory at once, or fewer if they are large


def add(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("variant", metavar="DATASET/VARIANT", help="a trained variant")
    add_images(parser)
    parser.add_argument(
        "--to", type=absolute, required=True, metavar="TABLE", help="a .parquet or .csv file"
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write a row for each image: its path, its class folder, its latent; yield the table's path.

    Of a variational model the latent is the posterior mean; maps are written row by row.

    Raises:
        UserError: the variant is not trained; the table cannot be written; or, after all others
            are written, a line for each file that cannot be read or is not of the trained size.
    """
    from tqdm import tqdm

    from autoencoders.application import given, tables, targets
    from autoencoders.application.chosen import load
    from autoencoders.data.batches import images_at_a_time

    tables.require_table(options.to)
    targets.require_writable(options.to.parent)
    images, failed = given.gather(options.images, options.to)
    trained = load(options.variant)
    shape, size = trained.input_shape, trained.latent_size
    count, lost = images_at_a_time(shape, BATCH), 0
    with (
        _named(options.to),
        tables.writing(options.to, size) as append,
        tqdm(total=len(images), unit="image", disable=None, leave=False) as bar,
    ):
        for start in range(0, len(images), count):
            batch = images[start : start + count]
            read, unfit = _read(batch, shape, options.resize)
            failed += unfit
            lost += len(unfit)
            if read:
                seen = torch.from_numpy(np.stack(list(read.values()))).to(trained.device)
                latents = trained.model.encode(seen).flatten(1).cpu().numpy()
                names = [printable(str(image.path)) for image in read]
                append(names, [image.label for image in read], latents)
            bar.update(len(batch))
        if lost:
            failed.append(f"{lost} of {len(images)} images are left out")
        if lost == len(images):  # no table is better than an empty one
            raise UserError("\n".join(failed))
    yield printable(str(options.to))
    if failed:
        raise UserError("\n".join(failed))


def _read(
    images: "Sequence[Given]", shape: ImageShape, resize: bool
) -> "tuple[dict[Given, Floats], list[str]]":
    """Return what the encoder sees of each image `(C, H, W)`, and a line for each that is unfit."""
    from autoencoders.application import colour, network, picture
    from autoencoders.sources.pictures import Unfit

    read, unfit = {}, []
    for image in images:
        try:
            found = picture.read(image.path)
            if resize:
                found = picture.fitted(found, *shape[1:])
            network.require_size(found.planes, shape)
        except Unfit as reason:
            unfit.append(f"{printable(str(image.path))}: {reason}")
        else:
            read[image] = colour.matched(found, shape[0])
    return read, unfit


@contextmanager
def _named(table: Path) -> Iterator[None]:
    """Name the table where the system says that it cannot be written."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(f"{printable(str(table))} cannot be written: {why}") from None
