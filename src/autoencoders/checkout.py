"""Whose code runs: that of the repository that it works in, and no other.

An installed command runs the source that it was installed from. In a copy of that repository it
would make the copy's outputs, and `dvc.lock` would record the copy's source for them.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from autoencoders import paths
from autoencoders.errors import UserError

Main = Callable[[Sequence[str] | None], int]

SOURCE = Path("src/autoencoders")
RUNNING = Path(__file__).resolve().parent
EXPERIMENTS = Path(".dvc/tmp")  # where `dvc exp run --temp` and `--queue` check experiments out


def main_of_repository() -> Main | None:
    """Return the command line of this repository's own source where that is not the one that runs.

    So it is in the copies that DVC makes of an experiment, inside the repository itself.

    Raises:
        UserError: this repository is any other copy of the one whose source runs.
    """
    try:
        source = paths.repository_root() / SOURCE
    except UserError:
        return None  # the command says so, if it needs one
    if not source.is_dir() or source.samefile(RUNNING):
        return None
    if not source.resolve().is_relative_to(RUNNING.parents[1] / EXPERIMENTS):
        raise UserError(
            f"`autoencoders` would run the source in {RUNNING}, not that of this repository, "
            f"{source}: run `make setup` here and activate its .venv"
        )
    for name in [name for name in sys.modules if name.split(".")[0] == __package__]:
        del sys.modules[name]
    sys.path.insert(0, str(source.parent))
    main: Main = importlib.import_module(f"{__package__}.cli").main
    return main
