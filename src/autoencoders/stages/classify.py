"""Packed images and their labels into the dataset's classifier."""

from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from autoencoders import classifier, files, paths, randomness
from autoencoders.classifier import ConvClassifier, Labelled
from autoencoders.data import splits
from autoencoders.data.batches import steps_per_epoch
from autoencoders.device import device
from autoencoders.params import Params
from autoencoders.progress import TrainingProgress
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import DataUsed, StageIdentity, StageRun


def used_params(params: Params, item: StageIdentity) -> dict[str, Any]:
    """Return the seed and the classifier's settings."""
    return {"seed": params.seed, **params.classifier.model_dump(mode="json")}


def data_used(item: StageIdentity) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: StageIdentity) -> list[Path]:
    """Return the classifier's folder, and the file of how good it is."""
    assert item.dataset is not None
    return [paths.classifier(item.dataset), paths.classifier_metrics(item.dataset)]


def produce(params: Params, item: StageIdentity, run: StageRun) -> str:
    """Train the classifier; where all images are of one class, only write that there is none."""
    assert item.dataset is not None
    folder, report = outputs(item)
    description = _describe(params, item.dataset)
    network = _train(description, item, run) if description.exists else None
    classifier.save(folder, description, network)
    content = {
        "dataset": description.dataset,
        "source": description.source,
        "classes": description.classes,
    }
    if network is not None:
        content |= _accuracies(network, description.dataset)
    files.write_json(report, content)
    if network is None:
        return f"{item.dataset} has one class: it has no classifier"
    return f"test accuracy {content['test_accuracy']:.4f} in {report}, weights in {folder}"


def log(item: StageIdentity, run: StageRun) -> None:
    """Log the accuracies, the weights and the settings."""
    folder, report = outputs(item)
    accuracies = {k: v for k, v in files.read_json(report).items() if k.endswith("_accuracy")}
    run.log(metrics=accuracies, artifacts=[folder, report])


def _train(
    description: classifier.Description, item: StageIdentity, run: StageRun
) -> ConvClassifier:
    network, settings = classifier.build(description), description.settings
    training = _labelled(description.dataset, "train")
    progress = TrainingProgress(
        item.name,
        settings.epochs,
        steps_per_epoch(len(training[0]), settings.batch_size),
        lambda row, rate: run.log_epoch(int(row["epoch"]), row | {"images_per_second": rate}),
        shown=True,
    )
    with closing(progress):
        classifier.train(
            network,
            training,
            _labelled(description.dataset, "validation"),
            settings,
            order=randomness.generator(description.seed, f"{description.dataset}/classifier/order"),
            device=device(),
            progress=progress,
        )
    return network


def _accuracies(network: ConvClassifier, dataset: str) -> dict[str, Any]:
    return {
        f"{split}_accuracy": classifier.measure(network, _labelled(dataset, split), device())[
            "accuracy"
        ]
        for split in ("validation", "test")
    }


def _labelled(dataset: str, split: str) -> Labelled:
    images, labels = splits.load(paths.prepared(dataset), split, mmap=False)
    return torch.from_numpy(images), torch.from_numpy(labels)


def _describe(params: Params, dataset: str) -> classifier.Description:
    metadata = splits.load_metadata(paths.prepared(dataset))
    return classifier.Description(
        dataset=dataset,
        seed=params.seed,
        source=metadata.source,
        data_sha256=metadata.sha256,
        image_shape=metadata.image_shape,
        classes=len(metadata.class_names),
        settings=params.classifier,
    )
