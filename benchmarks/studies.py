"""`python -m benchmarks.studies`: the cost of a study on Ray.

It trains and measures a variant with several seeds by `autoencoders seeds`, and as many copies of
the variant by `autoencoders repro`, in a temporary copy of the repository, on all cores. Then it
measures the processor time of the process that runs a study, which limits a study on many machines.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path

from autoencoders import params, paths, yaml12
from autoencoders.commands import integer
from autoencoders.errors import UserError
from autoencoders.studies import seeds
from autoencoders.studies.study import Machines
from benchmarks import copies, small

DATASET = "mnist"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the seconds of both and their ratio; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies", description=__doc__)
    parser.add_argument("--variant", default="vae", help="default: vae")
    parser.add_argument("--count", type=integer(2), default=5, help="number of seeds; default: 5")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            stages, study = measure(options.variant, options.count, Path(folder))
        print(f"{options.count} trainings and evaluations of {DATASET}/{options.variant}")
        print(f"autoencoders repro {stages:.0f} s, seeds {study:.0f} s, ratio {study / stages:.2f}")
        with tempfile.TemporaryDirectory() as folder:
            trial, epoch = measure_driver(options.variant, Path(folder))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"processor time of the study's own process: {trial:.3f} s a trial, {epoch:.3f} s an epoch"
    )
    return 0


def measure(variant: str, count: int, folder: Path) -> tuple[float, float]:
    """Return the seconds of the stages, and those of the study."""

    def copy_variant(file: Path) -> None:
        names = [f"{variant}_{number}" for number in range(count)]
        content = yaml12.read(file)
        content["variants"] |= {name: deepcopy(content["variants"][variant]) for name in names}
        content |= {"datasets_to_run": [DATASET], "variants_to_run": names}
        file.write_text(yaml12.dump(content), "utf-8")

    copy, environment = _classified_copy(folder, copy_variant, copies.official_mirror())

    def run(*words: str) -> float:
        return copies.run(("autoencoders", *words), copy, environment)

    return run("repro", "evaluate"), run("seeds", f"{DATASET}/{variant}", "--count", str(count))


def measure_driver(variant: str, folder: Path) -> tuple[float, float]:
    """Return the seconds of processor time that a trial and an epoch cost the study's process.

    The trainings are tiny and run in other processes.
    """
    shrink = partial(small.write, datasets=[DATASET], variants=[variant], epochs=1)
    copy, _ = _classified_copy(folder, shrink, {})

    def seconds(count: int, epochs: int) -> float:
        content = yaml12.read(paths.PARAMS)
        content["variants"][variant]["training"]["epochs"] = epochs
        paths.PARAMS.write_text(yaml12.dump(content), "utf-8")
        started = time.process_time()
        for _ in seeds.run(params.load(), [(DATASET, variant)], count, Machines(None, 2, 0, None)):
            pass
        return time.process_time() - started

    with contextlib.chdir(copy):
        seconds(1, 2)  # imports
        few, many, long = seconds(2, 1), seconds(12, 3), seconds(2, 53)
    epoch = (long - few) / (2 * 52)
    return (many - few - (12 * 3 - 2) * epoch) / 10, epoch


def _classified_copy(
    folder: Path, edit: Callable[[Path], None], variables: Mapping[str, str]
) -> tuple[Path, dict[str, str]]:
    """Return a copy with edited params in which `classify` has run, and its environment."""
    copy, environment = folder / "copy", copies.environment(folder / "settings")
    copies.copy_working_tree(Path(), copy)
    edit(copy / paths.PARAMS)
    copies.commit(copy, environment)
    environment |= {"PYTHONPATH": os.fspath(copy / "src"), **variables}
    copies.run(("autoencoders", "repro", "classify"), copy, environment)
    return copy, environment


if __name__ == "__main__":
    sys.exit(main())
