"""Tables of latents, written to a file in parts, so that a long table needs no more memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from autoencoders.errors import UserError
from autoencoders.files import atomic_file
from autoencoders.images.file_names import printable
from autoencoders.images.picture import Floats

KEYS = ["path", "class"]  # columns before z0, z1, …; an image without a class has an empty cell
WRITERS = {".parquet": pa.parquet.ParquetWriter, ".csv": pa.csv.CSVWriter}

# Appends one row per image: takes paths, classes, and latents `(N, D)`.
Append: TypeAlias = Callable[[Sequence[str], Sequence[str | None], Floats], None]


@contextmanager
def open_table(target: Path, size: int) -> Iterator[Append]:
    """Yield a function that appends rows with latents `(N, size)`; an error leaves no file."""
    schema = pa.schema(
        [*((name, pa.string()) for name in KEYS), *((f"z{i}", pa.float32()) for i in range(size))]
    )
    with (
        atomic_file(target) as temporary,
        temporary.open("wb") as stream,
        WRITERS[target.suffix.lower()](stream, schema) as writer,
    ):

        def append(paths: Sequence[str], classes: Sequence[str | None], rows: Floats) -> None:
            columns = [pa.array(paths), pa.array(classes, pa.string()), *map(pa.array, rows.T)]
            writer.write_table(pa.table(columns, schema))

        yield append


def require_table(target: Path) -> None:
    """Check that `open_table` can write to `target`.

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
