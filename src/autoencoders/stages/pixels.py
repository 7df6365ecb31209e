"""What raw pixels tell of a dataset's classes: what features of every network are held against."""

from pathlib import Path
from typing import Any

from autoencoders import files, paths
from autoencoders.evaluation import latents
from autoencoders.evaluation.predictions import pairs
from autoencoders.inputs import Clean
from autoencoders.params import Params
from autoencoders.stages.common import images, labels, prepared_data
from autoencoders.tracking import DataUsed, StageIdentity, StageRun


def used_params(params: Params, item: StageIdentity) -> dict[str, Any]:
    """Return the seed and what decides the measurement."""
    used = {"batch_size", "knn_neighbours", "label_counts", "label_draws"}
    return {"seed": params.seed, **params.evaluation.model_dump(mode="json", include=used)}


def data_used(item: StageIdentity) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: StageIdentity) -> list[Path]:
    """Return the metrics file."""
    assert item.dataset is not None
    return [paths.pixels(item.dataset)]


def produce(params: Params, item: StageIdentity, run: StageRun) -> str:
    """Measure the images themselves as features; nothing where all are of one class."""
    data, settings = prepared_data(item), params.evaluation
    dataset = data.name
    measured = latents.by_encoder(
        {"raw_pixels": lambda seen: seen},
        lambda split: pairs(
            Clean(), images(dataset, split), params.seed, split, settings.batch_size
        ),
        {split: labels(dataset, split) for split in latents.SPLITS},
        settings.label_counts,
        settings.label_draws,
        settings.knn_neighbours,
        params.seed,
    ).get("raw_pixels", {})
    files.write_json(outputs(item)[0], {"dataset": dataset, "source": data.source, **measured})
    if not measured:
        return f"{dataset} has one class: there is nothing to tell"
    return f"probe accuracy {measured['probe_accuracy']:.4f} in {outputs(item)[0]}"


def log(item: StageIdentity, run: StageRun) -> None:
    """Log the metrics."""
    content = files.read_json(outputs(item)[0])
    metrics = {name: value for name, value in content.items() if isinstance(value, float)}
    run.log(metrics=metrics, artifacts=outputs(item))
