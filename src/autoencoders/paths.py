"""The paths of all inputs and outputs of the stages, relative to the repository root."""

import os
from pathlib import Path

from autoencoders.errors import UserError

PIPELINE = Path("dvc.yaml")
PARAMS = Path("params.yaml")
EXAMPLES = Path("examples/variants")
SOURCES = Path("data/sources")
RESULTS = Path("reports/results.csv")
REPORT = Path("reports/index.html")
HEADLINE = Path("reports/headline.json")
OVERVIEW = Path("reports/overview")
CURVES = Path("reports/curves.csv")
SWEEPS = Path("reports/sweeps")
CHECKPOINTS = Path("checkpoints")  # of interrupted trainings, one file per configuration
STUDIES = CHECKPOINTS / "studies"  # the states of unfinished studies
CLASSIFIER = "classifier"
# Files in the folder of a trained variant.
WEIGHTS, HISTORY, RECORD = "model.safetensors", "history.csv", "params.yaml"


def sources(stage: str, variant: str) -> Path:
    """Return the list of source files that a stage depends on; `variant` may be ""."""
    return SOURCES / stage / f"{variant}.txt" if variant else SOURCES / f"{stage}.txt"


def raw(dataset: str) -> Path:
    """Return the folder of a dataset's files in their published format."""
    return Path("data/raw") / dataset


def prepared(dataset: str) -> Path:
    """Return the folder of a dataset's splits as arrays."""
    return Path("data/prepared") / dataset


def model(dataset: str, variant: str) -> Path:
    """Return the folder of a trained variant: weights, history, resolved params."""
    return Path("models") / dataset / variant


def classifier(dataset: str) -> Path:
    """Return the folder of a dataset's classifier; no variant may have the same name."""
    return model(dataset, CLASSIFIER)


def classifier_metrics(dataset: str) -> Path:
    """Return the file of a dataset's classifier metrics."""
    return Path("reports/classifiers") / f"{dataset}.json"


def pixels(dataset: str) -> Path:
    """Return the file of the classification metrics of a dataset's raw pixels."""
    return Path("reports/pixels") / f"{dataset}.json"


def metrics(dataset: str, variant: str) -> Path:
    """Return the file of a variant's test metrics."""
    return Path("reports/metrics") / dataset / f"{variant}.json"


def seeds(dataset: str, variant: str) -> Path:
    """Return the file of a variant's test metrics for several seeds."""
    return Path("reports/seeds") / dataset / f"{variant}.json"


def figures(dataset: str, variant: str) -> Path:
    """Return the folder of a variant's figures."""
    return Path("reports/figures") / dataset / variant


def section(dataset: str, variant: str) -> Path:
    """Return the folder of a variant's other data for the report's page."""
    return Path("reports/sections") / dataset / variant


def relative_to_page(path: Path) -> str:
    """Return a file's path for a link in the report's page."""
    return path.relative_to(REPORT.parent).as_posix()


def current_folder() -> Path:
    """Return the current folder.

    Raises:
        UserError: it is deleted.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UserError(
            "the current folder is deleted: change to a clone of the repository"
        ) from None


def repository_root() -> Path:
    """Return the current folder or the nearest folder above it that contains dvc.yaml.

    A params.yaml would not be enough, because the folders of trained variants contain one too.

    Raises:
        UserError: no such folder contains dvc.yaml, or the current folder is deleted.
    """
    current = current_folder()
    for folder in (current, *current.parents):
        if (folder / PIPELINE).is_file():
            return folder
    raise UserError(f"no {PIPELINE} in {current} or above: change to a clone of the repository")


def resolve_user_path(path: Path | str) -> Path:
    """Return a path of the user as an absolute path; `~` is the user's home folder.

    A relative path starts at the repository root. `dvc exp run --temp` and `--queue` run in a
    temporary copy of the repository; there, it still starts at the root of the original.
    """
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # the locale lacks letters of params.yaml: their bytes are UTF-8
        path = os.fsdecode(str(path).encode("utf-8", "surrogateescape"))
    root = os.environ.get("DVC_ROOT") or repository_root()
    return Path(root, os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for an unknown user
