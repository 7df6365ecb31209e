"""The stage `report`: combine all variants' metrics and figures in one table and one page."""

import sys
from functools import partial
from typing import Any

import pandas as pd

from autoencoders import files, paths
from autoencoders.datasets.catalogue import stand_in_banner
from autoencoders.dependencies import Code
from autoencoders.evaluation.results import headline
from autoencoders.figures import plots
from autoencoders.params import Params
from autoencoders.params.schema import Binarized
from autoencoders.pipeline import Item
from autoencoders.report import page, results
from autoencoders.report.results import DatasetResults
from autoencoders.stages.common import current_digests
from autoencoders.tracking import StageRun

USED = {"datasets_to_run", "variants_to_run", "seed", "variants", "classifier", "evaluation"}


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the datasets and variants to report, and what results of several seeds depend on."""
    return params.model_dump(mode="json", include=USED)


def data_used(item: Item) -> None:
    """Return None: the report covers all datasets."""


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Write the table and the page of the datasets and variants to run."""
    # Read all files before writing, so that a damaged file does not destroy the old report.
    digests = partial(current_digests, params, Code())
    variants = params.variants_to_run
    datasets = [
        DatasetResults(name, [results.load(name, v, params.seed, digests) for v in variants])
        for name in params.datasets_to_run
    ]
    overviews = {dataset.overview.name: results.overview(dataset) for dataset in datasets}
    table = results.table(datasets)
    with files.atomic_directory(paths.OVERVIEW) as folder:
        for dataset in datasets:
            figure = overviews[dataset.overview.name]
            plots.save(figure, folder / dataset.overview.name, dataset.section.source)
    with files.atomic_file(paths.RESULTS) as temporary:
        table.to_csv(temporary, index=False)
    files.write_json(paths.HEADLINE, results.compared_metrics(datasets))
    with files.atomic_file(paths.CURVES) as temporary:
        results.curves(datasets).to_csv(temporary, index=False)
    with files.atomic_file(paths.REPORT) as temporary:
        temporary.write_text(page.render(datasets), encoding="utf-8")
    for dataset in datasets:
        if dataset.section.source == "stand-in" and params.data.source == "auto":
            own = params.data.datasets.get(dataset.name)
            of = own.of if isinstance(own, Binarized) else dataset.name
            print(stand_in_banner(dataset.name, of), file=sys.stderr)
    return f"{len(table)} results in {paths.RESULTS}, the report in {paths.REPORT}"


def log(item: Item, run: StageRun) -> None:
    """Log the report, and all headline metrics to the configuration's run."""
    run.log(artifacts=item.outputs)
    with files.readable(paths.RESULTS):
        # A variant's name may be `null` or `007`; a missing value is an empty cell.
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
