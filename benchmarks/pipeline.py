"""`python -m benchmarks.pipeline`: from a clone to the report, stage by stage.

Of each commit that is named, in turn: `make setup`, `make repro`, and that again with nothing to
do, in a fresh clone. Stages that run side by side take more seconds together than all of them take.
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
from benchmarks.table import say

MIRROR = "DATASET_MIRROR"
COMMANDS = {
    "install": ("make", "setup"),
    "from clone to report": ("make", "repro"),
    "nothing to do": ("make", "repro"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table with a column for each commit; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("commits", nargs="*", default=["HEAD"], help="one or more; HEAD by default")
    parser.add_argument("--to", type=Path, help="an empty folder that the clones are kept in")
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
    """Return the seconds of wall time of each command, and of all runs of each stage together."""
    environment = copies.environment(clone.parent / f"{commit}-settings")
    if mirror := os.environ.get(MIRROR):
        environment[MIRROR] = mirror if "://" in mirror else os.fspath(Path(mirror).resolve())
    copies.run(("git", "clone", "--quiet", ".", os.fspath(clone)), Path(), environment)
    copies.run(("git", "checkout", "--quiet", commit), clone, environment)
    seconds = {}
    for name, command in COMMANDS.items():
        seconds[name] = copies.run(command, clone, environment)
        say(f"{commit}: {' '.join(command)} {seconds[name]:.0f} s")
    seconds["from clone to report"] += seconds["install"]
    return seconds | of_stages(f"sqlite:///{clone / 'mlflow.db'}")


def of_stages(store: str) -> dict[str, float]:
    """Return the seconds that the finished runs of each stage took together."""
    client = MlflowClient(store)
    seconds = dict.fromkeys((stage.name for stage in STAGES), 0.0)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    for run in client.search_runs(ids, "attributes.status = 'FINISHED'", max_results=ALL_RUNS):
        if (stage := run.data.tags.get("stage")) in seconds:
            seconds[stage] += (run.info.end_time - run.info.start_time) / 1000
    return seconds


def table(measured: dict[str, dict[str, float]]) -> list[str]:
    """Return a row for each measure, with the last commit's as a share of the first's."""
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
