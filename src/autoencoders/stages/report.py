"""All variants' metrics and figures as one table and one page."""

import sys
from typing import Any

import pandas as pd

from autoencoders import files, paths
from autoencoders.datasets.catalogue import stand_in_banner
from autoencoders.evaluation.results import headline
from autoencoders.figures import plots
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.report import page, results
from autoencoders.tracking import StageRun


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return which datasets and variants to report."""
    return params.model_dump(mode="json", include={"datasets_to_run", "variants_to_run"})


def data_used(item: Item) -> None:
    """Return nothing: the report covers all datasets."""


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Write the table and the page of the datasets and variants to run."""
    # All is read before anything is written: of a bad file, not even a part of the report is lost.
    datasets = [results.load(name, params.variants_to_run) for name in params.datasets_to_run]
    overviews = {of_dataset.overview.name: results.overview(of_dataset) for of_dataset in datasets}
    table = results.table(datasets)
    with files.atomic_directory(paths.OVERVIEW) as folder:
        for of_dataset in datasets:
            figure = overviews[of_dataset.overview.name]
            plots.save(figure, folder / of_dataset.overview.name, of_dataset.section.source)
    with files.atomic_file(paths.RESULTS) as temporary:
        table.to_csv(temporary, index=False)
    files.write_json(paths.HEADLINE, results.compared_metrics(datasets))
    with files.atomic_file(paths.CURVES) as temporary:
        results.curves(datasets).to_csv(temporary, index=False)
    with files.atomic_file(paths.REPORT) as temporary:
        temporary.write_text(page.render(datasets), encoding="utf-8")
    for of_dataset in datasets:
        if of_dataset.section.source == "stand-in" and params.data.source == "auto":
            print(stand_in_banner(of_dataset.name), file=sys.stderr)
    return f"{len(table)} results in {paths.RESULTS}, the report in {paths.REPORT}"


def log(item: Item, run: StageRun) -> None:
    """Log the report, and every headline metric to the configuration's run."""
    run.log(artifacts=item.outputs)
    with files.readable(paths.RESULTS):
        # A variant may be called `null`, or `007`; what is missing is empty.
        names = {"dataset": str, "variant": str}
        lines = files.read_lines(paths.RESULTS)
        table = pd.read_csv(lines, dtype=names, keep_default_na=False, na_values=[""])
        metrics = {
            f"{row['dataset']}/{row['variant']}/{name}": value
            for row in table.to_dict("records")
            for name, value in headline({str(key): value for key, value in row.items()}).items()
            if not name.startswith("yardsticks.") and not pd.isna(value)
        }
    run.log_to_parent(metrics=metrics, artifacts=[paths.RESULTS])
