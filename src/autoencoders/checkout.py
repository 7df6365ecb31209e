"""Makes `autoencoders` run the source code of the current repository.

An installed command runs the source of its installation. In another copy of the repository,
outputs would come from the installation, but `dvc.lock` would record the source of the copy.
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
EXPERIMENTS = Path(".dvc/tmp")  # contains the copies of `dvc exp run --temp` and `--queue`


def main_of_repository() -> Main | None:
    """Return `main` of this repository's source, or None if that source already runs.

    The source differs in the copies of the repository that DVC makes for experiments.

    Raises:
        UserError: the source differs, but DVC did not make this copy.
    """
    try:
        source = paths.repository_root() / SOURCE
    except UserError:
        return None  # a command that needs a repository raises this error again
    if not source.is_dir() or source.samefile(RUNNING):
        return None
    if not source.resolve().is_relative_to(RUNNING.parents[1] / EXPERIMENTS):
        raise UserError(
            f"`autoencoders` runs the source in {RUNNING}, but this repository has its own in "
            f"{source}: run `make setup` here and activate its .venv"
        )
    for name in [name for name in sys.modules if name.split(".")[0] == __package__]:
        del sys.modules[name]
    sys.path.insert(0, str(source.parent))
    main: Main = importlib.import_module(f"{__package__}.cli").main
    return main
