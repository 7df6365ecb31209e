"""The stage `figures`: draw a variant's figures and write its data for the report's page."""

from typing import Any

from autoencoders import paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.evaluation import results
from autoencoders.figures import page_content, table
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import StageRun
from autoencoders.trained import variant

data_used = prepared_data


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the settings of the figures; those of the variant are in its model's folder."""
    return params.figures.model_dump(mode="json")


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Draw each figure that fits the variant, if there are enough images."""
    names = item.dataset, item.variant
    data = Prepared(paths.prepared(item.dataset))
    trained = variant.load(paths.model(*names), data, exact_device())
    measured = results.load(paths.metrics(*names), *names)
    pictures = table.draw(trained, measured, params.figures, paths.figures(*names))
    page_content.write_section(trained, pictures, paths.section(*names))
    return f"{len(pictures)} figures in {paths.figures(*names)}"


def log(item: Item, run: StageRun) -> None:
    """Log the figures."""
    run.log(artifacts=sorted(paths.figures(item.dataset, item.variant).glob("*.png")))
