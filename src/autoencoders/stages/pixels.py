"""The stage `pixels`: classify raw pixels, the yardstick of the latents of all variants."""

from typing import Any

from autoencoders import files, paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.evaluation import features, results
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import StageRun
from autoencoders.trained.pairs import Pairs, pairs
from autoencoders.variants.inputs import Clean

USED = {
    "batch_size",
    "knn_neighbours",
    "label_counts",
    "label_draws",
}  # keys of `evaluation` that this stage reads

data_used = prepared_data


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the seed and the settings of the measurement."""
    return {"seed": params.seed, **params.evaluation.model_dump(mode="json", include=USED)}


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Measure the images as features; write no metrics if there is only one class."""
    data, settings = Prepared(paths.prepared(item.dataset)), params.evaluation

    def clean(split: str) -> Pairs:
        return pairs(Clean(), data.images(split), params.seed, split, settings.batch_size)

    labels = {split: data.labels(split) for split in features.SPLITS}
    features.report_missing_metrics(labels)
    measured = features.measure_encoder(lambda images: images, clean, labels, params.seed, settings)
    content = {"dataset": data.name, "source": data.metadata.source, **measured}
    files.write_json(item.outputs[0], content)
    if not measured:
        return f"the training images of {data.name} have one class: nothing is measured"
    return f"probe accuracy {measured['probe_accuracy']:.4f} in {item.outputs[0]}"


def log(item: Item, run: StageRun) -> None:
    """Log the metrics."""
    run.log(metrics=results.load_numbers(item.outputs[0], item.dataset), artifacts=item.outputs)
