"""The CSV file of the benchmark, and its text tables."""

from pathlib import Path

import pytest

from autoencoders.errors import UserError
from benchmarks import table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "benchmark.csv"


def test_a_row_has_median_minimum_and_maximum() -> None:
    row = table.row("epochs", "conv", "time", "s", 3, 1, 8)
    assert (row.median, row.min, row.max) == (3, 1, 8)


def test_saved_rows_are_loaded(path: Path) -> None:
    rows = [
        table.row("epochs", "conv", "time", "s", 1.5),
        table.row("quality", "conv", "ok", table.TRUTH, True),
    ]
    table.save(path, rows, "cpu")
    assert table.load(path, "cpu") == rows
    assert table.load(path, "cuda") == []


def test_saving_a_part_keeps_the_rows_of_other_parts(path: Path) -> None:
    kept = table.row("growth", "conv", "time", "s", 4)
    table.save(path, [table.row("epochs", "conv", "time", "s", 1), kept], "cpu")
    table.save(path, [table.row("epochs", "vae", "time", "s", 2)], "cpu")
    assert table.load(path, "cpu") == [kept, table.row("epochs", "vae", "time", "s", 2)]


def test_saving_keeps_the_rows_of_other_devices(path: Path) -> None:
    cpu, cuda = (
        table.row("epochs", "conv", "time", "s", 30),
        table.row("epochs", "conv", "time", "s", 1),
    )
    table.save(path, [cpu], "cpu")
    table.save(path, [cuda], "cuda")
    assert table.load(path, "cpu") == [cpu]
    assert table.load(path, "cuda") == [cuda]


def test_a_missing_row_is_an_error_that_names_the_part_to_run() -> None:
    rows = [table.row("epochs", "conv", "time", "s", 1)]
    assert table.find(rows, "epochs", "conv", "time") == rows[0]
    with pytest.raises(UserError, match=r"'time' of vae is not measured .* part 'epochs' too"):
        table.find(rows, "epochs", "vae", "time")


def test_tables_show_spread_and_truth_and_have_the_longer_side_as_rows() -> None:
    rows = [
        table.row("a", "conv", "time", "s", 2, 1, 4),
        table.row("a", "conv", "reached", table.TRUTH, 0),
    ]
    assert table.text(rows).splitlines()[1].split() == ["time", "[s]", "2", "(1–4)"]
    assert table.text(rows).splitlines()[2].split() == ["reached", "[yes/no]", "no"]
    across = table.text([table.row("a", name, "time", "s", 1) for name in ("conv", "vae")])
    assert [line.split()[0] for line in across.splitlines()[1:]] == ["conv", "vae"]
