"""The overhead of the pipeline: each stage on few images, and a run with nothing to do."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from autoencoders import params, paths
from autoencoders.pipeline import STAGES
from benchmarks import copies, small
from benchmarks.settings import DATASET, Options
from benchmarks.table import Row, print_progress, row

PART = "stages"
REPEATS = 3
VARIANT = "conv"
ITEM = {"dataset": DATASET, "variant": VARIANT}
COMMANDS = {"import torch": ("python", "-c", "import torch")} | {
    stage.name: ("autoencoders", stage.name, *(ITEM[axis] for axis in stage.matrix))
    for stage in STAGES
}


@dataclass(frozen=True)
class Copy:
    """A copy of the working tree whose commands write only inside its folder."""

    folder: Path

    @property
    def repository(self) -> Path:
        """Return the folder of the copied files."""
        return self.folder / "repository"

    def run(self, *command: str) -> float:
        """Run a command and return its seconds of wall time.

        Raises:
            UserError: the command fails.
        """
        environment = copies.environment(self.folder) | {"PYTHONPATH": str(self.repository / "src")}
        return copies.run(command, self.repository, environment)


def measure(options: Options, earlier: list[Row]) -> list[Row]:
    """Return the wall time of each stage on few images, and of a run with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        copies.copy_working_tree(Path(), copy.repository)
        copies.commit(copy.repository, copies.environment(copy.folder))
        loaded = params.load()
        path = copy.repository / paths.PARAMS
        small.write(path, [DATASET], [VARIANT], epochs=1)
        rows = [_stage(copy, name) for name in COMMANDS]
        small.write(path, loaded.datasets_to_run, loaded.variants_to_run, epochs=1)
        return [*rows, _nothing_to_do(copy)]


def _stage(copy: Copy, name: str) -> Row:
    copy.run(*COMMANDS[name])
    result = row(PART, name, "wall time", "s", *(copy.run(*COMMANDS[name]) for _ in range(REPEATS)))
    print_progress(f"stages: {name} {result.median:.2f} s")
    return result


def _nothing_to_do(copy: Copy) -> Row:
    print_progress("stages: running the whole pipeline once, small")
    copy.run("dvc", "repro", "--quiet")
    times = [copy.run("dvc", "repro") for _ in range(REPEATS)]
    return row(PART, "dvc repro, nothing to do", "wall time", "s", *times)
