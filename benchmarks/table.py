"""The results of the benchmark: one CSV file, and text tables."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import pandas as pd

from autoencoders import files
from autoencoders.errors import UserError

TRUTH = "yes/no"  # the unit of a value that is 1 or 0


@dataclass(frozen=True)
class Row:
    """One measure of one subject: its median, minimum and maximum over the rounds."""

    part: str
    subject: str
    measure: str
    unit: str
    median: float
    min: float
    max: float


def row(part: str, subject: str, measure: str, unit: str, *values: float) -> Row:
    """Return the row that summarises the values of all rounds."""
    return Row(
        part, subject, measure, unit, *map(float, (median(values), min(values), max(values)))
    )


def find(rows: list[Row], part: str, subject: str, measure: str) -> Row:
    """Return the row that another part measured.

    Raises:
        UserError: there is no such row.
    """
    for candidate in rows:
        if (candidate.part, candidate.subject, candidate.measure) == (part, subject, measure):
            return candidate
    raise UserError(f"the {measure!r} of {subject} is not measured yet: run the part {part!r} too")


def print_progress(text: str) -> None:
    """Print progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def load(path: Path, device: str) -> list[Row]:
    """Return the earlier rows of this kind of device."""
    if not path.exists():
        return []
    earlier = pd.read_csv(path)
    chosen = earlier[earlier["device"] == device].drop(columns="device")
    return [
        Row(**{str(name): value for name, value in r.items()}) for r in chosen.to_dict("records")
    ]


def save(path: Path, rows: list[Row], device: str) -> None:
    """Replace the file's rows of these parts on this kind of device; keep the others."""
    new = pd.DataFrame([{"device": device, **asdict(row)} for row in rows])
    if path.exists():
        old = pd.read_csv(path)
        replaced = old["part"].isin(new["part"]) & (old["device"] == device)
        new = pd.concat([old[~replaced], new])
    with files.atomic_file(path) as temporary:
        new.to_csv(temporary, index=False, float_format="%.6g")


def text(rows: list[Row]) -> str:
    """Return the rows of one part as a table; its longer side becomes the rows."""
    cells = pd.DataFrame(
        {
            "subject": [row.subject for row in rows],
            "measure": [f"{row.measure} [{row.unit}]" for row in rows],
            "cell": [_cell(row) for row in rows],
        }
    )
    subjects, measures = cells["subject"].unique(), cells["measure"].unique()
    grid = cells.pivot(index="measure", columns="subject", values="cell")
    grid = grid.loc[list(measures), list(subjects)].fillna("").rename_axis(None, axis=1)
    if len(subjects) > len(measures):
        grid = grid.T
    return grid.rename_axis(None).to_string()


def _cell(row: Row) -> str:
    if row.unit == TRUTH:
        return "yes" if row.median else "no"
    spread = f" ({row.min:.4g}–{row.max:.4g})" if row.min < row.max else ""
    return f"{row.median:.4g}{spread}"
