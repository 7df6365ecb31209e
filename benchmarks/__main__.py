"""`python -m benchmarks`: run all parts of the benchmark, or the parts given as arguments."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autoencoders import paths
from autoencoders.device import device
from autoencoders.errors import UserError
from benchmarks import epochs, growth, machine, quality, roofline, stages, table
from benchmarks.settings import DATASET, VARIANTS, Options

# The order matters: later parts compare with the results of the first one.
PARTS = {module.PART: module.measure for module in (epochs, roofline, quality, growth, stages)}
QUICK_PARTS = (epochs.PART, roofline.PART, quality.PART)  # the first table of docs/speed.md
FILE = Path("reports/benchmark.csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = _parser().parse_args(arguments)
    amount = Options(options.rounds, tuple(options.variants), options.images)
    parts = options.parts
    if options.quick:
        amount, parts = replace(amount, rounds=1, epochs=1), QUICK_PARTS
    try:
        _require_data()
        _run([name for name in PARTS if name in parts], amount, options.output)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(parts: list[str], options: Options, output: Path) -> None:
    kind = device().type
    print(machine.describe(), flush=True)
    for part in parts:
        rows = PARTS[part](options, table.load(output, kind))
        table.save(output, rows, kind)
        print(f"\n{part}\n{table.text(rows)}", flush=True)


def _require_data() -> None:
    if not paths.prepared(DATASET).exists():
        folder = paths.prepared(DATASET)
        raise UserError(f"{folder} is missing: run `dvc repro prepare@{DATASET}` first")


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"no part {name!r}; allowed: {', '.join(PARTS)}")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    default = Options()
    parser.add_argument(
        "parts",
        nargs="*",
        type=_part,
        default=list(PARTS),
        metavar="PART",
        help=f"parts to run: {', '.join(PARTS)}; all by default",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only the parts of the first table of docs/speed.md, one round",
    )
    parser.add_argument(
        "--rounds", type=int, default=default.rounds, help="number of pairs of epochs"
    )
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=default.variants)
    parser.add_argument(
        "--images",
        type=int,
        default=default.images,
        help="use at most this many images of a split, for a trial",
    )
    parser.add_argument("--output", type=Path, default=FILE, help="CSV file to update")
    return parser


if __name__ == "__main__":
    sys.exit(main())
