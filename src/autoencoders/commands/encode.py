"""`autoencoders encode`: write the latents of image files to a table."""

import argparse
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from tqdm import tqdm

from autoencoders.application import choose
from autoencoders.commands import Parser, absolute_path, add_images, add_network
from autoencoders.errors import UserError
from autoencoders.files import atomic_file
from autoencoders.images import output_paths
from autoencoders.images.file_names import as_text, printable
from autoencoders.images.listing import ImageFile, find_image_files
from autoencoders.images.picture import Floats, UnusableImage, to_encoder_input
from autoencoders.images.reading import read_image

BATCH, BATCH_VALUES = 256, 2**24  # images in memory and pixel values in them, at most
KEYS = ["path", "class"]  # columns before z0, z1, …; an image without a class has an empty cell
WRITERS = {".parquet": pa.parquet.ParquetWriter, ".csv": pa.csv.CSVWriter}


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
    _require_table(options.to)
    output_paths.require_writable(options.to.parent)
    images, failed = find_image_files(options.images, options.to)
    count, lost = max(1, min(BATCH, BATCH_VALUES // prod(shape))), 0
    schema = _schema(coder.latent_size)
    with (  # an error leaves no file; each batch is written at once, to save memory
        atomic_file(options.to) as temporary,
        temporary.open("wb") as stream,
        WRITERS[options.to.suffix.lower()](stream, schema) as writer,
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
                latents = coder.encode(np.stack(list(batch.values()))).reshape(len(batch), -1)
                names = [as_text(str(image.path)) for image in batch]
                classes = [image.label for image in batch]
                writer.write_table(pa.table([names, classes, *latents.T], schema))
        if lost:
            failed.append(f"{lost} of {len(images)} images were not encoded")
        if lost == len(images):  # discards the empty table
            raise UserError("\n".join(failed))
    yield printable(str(options.to))
    if failed:
        raise UserError("\n".join(failed))


def _schema(size: int) -> pa.Schema:
    """Return the columns of a table of latents `(N, size)`."""
    texts = [(name, pa.string()) for name in KEYS]
    return pa.schema([*texts, *((f"z{i}", pa.float32()) for i in range(size))])


def _require_table(target: Path) -> None:
    """Check that a table of latents can be written to `target`.

    Raises:
        UserError: the extension is unknown, or `target` is a file that is not a table of latents.
    """
    if target.suffix.lower() not in WRITERS:
        allowed = " or ".join(WRITERS)
        raise UserError(
            f"--to: found {printable(target.name)}; allowed: names that end in {allowed}"
        )
    if target.exists() and _column_names(target)[:3] != [*KEYS, "z0"]:
        found = printable(str(target))
        raise UserError(
            f"--to: found {found}, which is not a table of latents; allowed: a new file"
        )


def _column_names(path: Path) -> list[str]:
    """Return the names of a table's columns; an empty list if the file is not a table."""
    try:
        read = pa.csv.open_csv if path.suffix.lower() == ".csv" else pa.parquet.ParquetFile
        return list(read(path).schema.names)
    except Exception:  # parsers raise many kinds of errors
        return []
