"""`python -m benchmarks.studies`: the cost of a study on Ray.

It trains and measures a variant with several seeds by `autoencoders seeds`, and as many copies of
the variant by `autoencoders repro`, in a temporary copy of the repository, on all cores.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from autoencoders import paths, yaml12
from autoencoders.commands import integer
from autoencoders.errors import UserError
from benchmarks import copies
from benchmarks.pipeline import MIRROR

DATASET = "mnist"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the seconds of both and their ratio; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies", description=__doc__)
    parser.add_argument("--variant", default="vae", help="default: vae")
    parser.add_argument("--count", type=integer(2), default=5, help="number of seeds; default: 5")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            stages, seeds = measure(options.variant, options.count, Path(folder))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.count} trainings and evaluations of {DATASET}/{options.variant}")
    print(f"autoencoders repro {stages:.0f} s, seeds {seeds:.0f} s, ratio {seeds / stages:.2f}")
    return 0


def measure(variant: str, count: int, folder: Path) -> tuple[float, float]:
    """Return the seconds of the stages, and those of the study."""
    copy, environment = folder / "copy", copies.environment(folder / "settings")
    if mirror := os.environ.get(MIRROR):
        environment[MIRROR] = mirror if "://" in mirror else os.fspath(Path(mirror).resolve())
    copies.copy_working_tree(Path(), copy)
    names = [f"{variant}_{number}" for number in range(count)]
    content = yaml12.read(copy / paths.PARAMS)
    content["variants"] |= {name: deepcopy(content["variants"][variant]) for name in names}
    content |= {"datasets_to_run": [DATASET], "variants_to_run": names}
    (copy / paths.PARAMS).write_text(yaml12.dump(content), "utf-8")
    copies.commit(copy, environment)
    environment["PYTHONPATH"] = os.fspath(copy / "src")

    def run(*words: str) -> float:
        return copies.run(("autoencoders", *words), copy, environment)

    run("repro", "classify")
    return run("repro", "evaluate"), run("seeds", f"{DATASET}/{variant}", "--count", str(count))


if __name__ == "__main__":
    sys.exit(main())
