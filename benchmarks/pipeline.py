"""`python -m benchmarks.pipeline`: the time from a clone to the report, by stage.

For each given commit, in turn and in a fresh clone: `make setup`, `make repro`, and `make repro`
again with nothing to do. Stages run side by side, so their sum is more than the total.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient

from autoencoders.errors import UserError
from autoencoders.pipeline import STAGES
from autoencoders.tracking.store import ALL_RUNS
from benchmarks import copies
from benchmarks.table import print_progress

COMMANDS = {
    "install": ("make", "setup"),
    "from clone to report": ("make", "repro"),
    "nothing to do": ("make", "repro"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table with a column for each commit; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument(
        "commits", nargs="*", default=["HEAD"], help="commits to measure; HEAD by default"
    )
    parser.add_argument("--to", type=Path, help="empty folder to keep the clones in")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.to or Path(temporary)).resolve()
            measured = {commit: measure(commit, folder / commit) for commit in options.commits}
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(table(measured)))
    return 0


def measure(commit: str, clone: Path) -> dict[str, float]:
    """Return the wall time in seconds of each command, and of each stage summed over its runs."""
    settings = clone.parent / f"{commit}-settings"
    environment = copies.environment(settings) | copies.official_mirror()
    copies.run(("git", "clone", "--quiet", ".", os.fspath(clone)), Path(), environment)
    copies.run(("git", "checkout", "--quiet", commit), clone, environment)
    seconds = {}
    for name, command in COMMANDS.items():
        seconds[name] = copies.run(command, clone, environment)
        print_progress(f"{commit}: {' '.join(command)} {seconds[name]:.0f} s")
    seconds["from clone to report"] += seconds["install"]
    return seconds | stage_seconds(f"sqlite:///{clone / 'mlflow.db'}")


def stage_seconds(store: str) -> dict[str, float]:
    """Return the seconds of the finished runs of each stage, summed."""
    client = MlflowClient(store)
    seconds = dict.fromkeys((stage.name for stage in STAGES), 0.0)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    for run in client.search_runs(ids, "attributes.status = 'FINISHED'", max_results=ALL_RUNS):
        if (stage := run.data.tags.get("stage")) in seconds:
            seconds[stage] += (run.info.end_time - run.info.start_time) / 1000
    return seconds


def table(measured: dict[str, dict[str, float]]) -> list[str]:
    """Return the lines of a table with a row for each measure and the ratio of last to first."""
    columns = list(measured.values())
    lines = [
        f"| seconds | {' | '.join(measured)} | last / first |",
        f"|{'---|' * (len(columns) + 2)}",
    ]
    for name in columns[0]:
        values = [column[name] for column in columns]
        ratio = f"{values[-1] / values[0]:.2f}" if values[0] else ""
        lines.append(f"| {name} | {' | '.join(f'{value:,.0f}' for value in values)} | {ratio} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
