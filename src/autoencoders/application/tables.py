"""Tables of latents in a file, written a part at a time, so that they may be of any length."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from autoencoders.application.picture import Floats
from autoencoders.errors import UserError
from autoencoders.files import atomic_file
from autoencoders.sources.names import printable

KEYS = ["path", "class"]  # columns before z0, z1, …; no class is an empty cell

# Takes a few images' paths, classes and latents `(N, D)`, and appends a row for each.
Append: TypeAlias = Callable[[Sequence[str], Sequence[str | None], Floats], None]


@contextmanager
def writing(target: Path, size: int) -> Iterator[Append]:
    """Yield what appends rows with `size` latents; all or nothing is at `target` afterwards."""
    columns = [*KEYS, *(f"z{i}" for i in range(size))]
    write = WRITERS[target.suffix.lower()]
    with atomic_file(target) as temporary, write(temporary, columns) as append:
        yield append


def require_table(target: Path) -> None:
    """Refuse a name that no table can have, and one that something else has.

    Raises:
        UserError: its ending is no table's; or there is a file that `writing` has not written.
    """
    if target.suffix.lower() not in WRITERS:
        allowed = " or ".join(WRITERS)
        raise UserError(
            f"--to: found {printable(target.name)}; allowed: names that end in {allowed}"
        )
    if target.exists() and _columns(target)[:3] != [*KEYS, "z0"]:
        found = printable(str(target))
        raise UserError(f"--to: found {found}, which is no table of latents; allowed: a new file")


def _columns(path: Path) -> list[str]:
    """Return the names of a table's columns; none of what is no table."""
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".csv":
            with path.open(encoding="utf-8", newline="") as stream:
                return next(csv.reader(stream))
        return list(pq.read_schema(path).names)
    except Exception:  # whatever it is
        return []


@contextmanager
def _csv(path: Path, columns: list[str]) -> Iterator[Append]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(columns)

        def append(paths: Sequence[str], classes: Sequence[str | None], latents: Floats) -> None:
            rows.writerows(
                [*keys, *latent] for *keys, latent in zip(paths, classes, latents, strict=True)
            )

        yield append


@contextmanager
def _parquet(path: Path, columns: list[str]) -> Iterator[Append]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {name: pa.string() if name in KEYS else pa.float32() for name in columns}
    schema = pa.schema(list(kinds.items()))
    with path.open("wb") as stream, pq.ParquetWriter(stream, schema) as writer:

        def append(paths: Sequence[str], classes: Sequence[str | None], latents: Floats) -> None:
            arrays = [pa.array(paths), pa.array(classes, pa.string()), *map(pa.array, latents.T)]
            writer.write_table(pa.table(arrays, schema))

        yield append


WRITERS = {".parquet": _parquet, ".csv": _csv}
