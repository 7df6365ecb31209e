"""Where each stage reads and writes, relative to the repository root. Nothing else joins these."""

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
CHECKPOINTS = Path("checkpoints")  # of unfinished trainings, a file for each configuration
CLASSIFIER = "classifier"
# Of a trained variant, in its folder.
WEIGHTS, HISTORY, RECORD = "model.safetensors", "history.csv", "params.yaml"


def sources(stage: str, variant: str) -> Path:
    """Return the list of files that a stage depends on, for a variant where it has one."""
    return SOURCES / stage / f"{variant}.txt" if variant else SOURCES / f"{stage}.txt"


def raw(dataset: str) -> Path:
    """Return the folder of a dataset's files as published."""
    return Path("data/raw") / dataset


def prepared(dataset: str) -> Path:
    """Return the folder of a dataset's packed splits."""
    return Path("data/prepared") / dataset


def model(dataset: str, variant: str) -> Path:
    """Return the folder of a trained variant: weights, history, resolved params."""
    return Path("models") / dataset / variant


def classifier(dataset: str) -> Path:
    """Return the folder of a dataset's classifier, among its variants: none may have its name."""
    return model(dataset, CLASSIFIER)


def classifier_metrics(dataset: str) -> Path:
    """Return the file of how good a dataset's classifier is."""
    return Path("reports/classifiers") / f"{dataset}.json"


def pixels(dataset: str) -> Path:
    """Return the file of what raw pixels tell of a dataset's classes."""
    return Path("reports/pixels") / f"{dataset}.json"


def metrics(dataset: str, variant: str) -> Path:
    """Return the file of a variant's test metrics."""
    return Path("reports/metrics") / dataset / f"{variant}.json"


def figures(dataset: str, variant: str) -> Path:
    """Return the folder of a variant's figures."""
    return Path("reports/figures") / dataset / variant


def section(dataset: str, variant: str) -> Path:
    """Return the folder of what the report has of a variant beside its metrics and figures."""
    return Path("reports/sections") / dataset / variant


def relative_to_page(path: Path) -> str:
    """Return a file's path as it stands in a link of the report's page."""
    return path.relative_to(REPORT.parent).as_posix()


def repository_root() -> Path:
    """Return the folder that holds dvc.yaml: this folder or the nearest one above it.

    Trained variants have a params.yaml of their own: that name alone says nothing.

    Raises:
        UserError: no folder from here upwards holds dvc.yaml.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise UserError("this folder is no more: go into a clone of the repository") from None
    for folder in (here, *here.parents):
        if (folder / PIPELINE).is_file():
            return folder
    raise UserError(f"no {PIPELINE} in {here} or above it: go into a clone of the repository")


def resolve_user_path(path: Path | str) -> Path:
    """Return a path of people's own, absolute: `~` is their home, relative ones count from here.

    "Here" is the repository's root. `dvc exp run --temp` and `--queue` run the stages in a copy,
    which is deleted: there it is still the root of the repository that the copy is of.
    """
    root = os.environ.get("DVC_ROOT") or repository_root()
    return Path(root, os.path.expanduser(path))  # noqa: PTH111 - Path's raises on an unknown user's
