"""The stage `classify`: train a dataset's classifier on its prepared images and labels."""

from contextlib import closing
from typing import Any

from autoencoders import files, paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import device, exact_device
from autoencoders.evaluation import results
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.progress import TrainingProgress
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import StageRun
from autoencoders.trained import classifier
from autoencoders.trained.classifier import ClassifierDescription, judge_of
from autoencoders.training.classifier import Split, measure, train

data_used = prepared_data


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the seed and the classifier's settings."""
    return {"seed": params.seed, **params.classifier.model_dump(mode="json")}


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Train and save the classifier; for a dataset with one class, save a description only."""
    folder, report = item.outputs
    data = Prepared(paths.prepared(item.dataset))
    description = ClassifierDescription(
        dataset=data.name,
        seed=params.seed,
        source=data.metadata.source,
        data_sha256=data.metadata.sha256,
        image_shape=data.metadata.image_shape,
        classes=len(data.metadata.class_names),
        settings=params.classifier,
    )
    judge, accuracies = None, {}
    if description.exists:
        with closing(TrainingProgress(item.name, run.log_epoch)) as progress:
            network = train(
                _labelled(data, "train"),
                _labelled(data, "validation"),
                description.classes,
                params.classifier,
                params.seed,
                name=f"{item.dataset}/classifier",
                device=device(),
                progress=progress,
            )
        judge = judge_of(network, data.images("test"), exact_device())
        accuracies = {
            f"{split}_accuracy": measure(network, _labelled(data, split), device())["accuracy"]
            for split in ("validation", "test")
        }
    classifier.save(folder, description, judge)
    content = {
        "dataset": description.dataset,
        "source": description.source,
        "classes": description.classes,
        **accuracies,
    }
    files.write_json(report, content)
    if judge is None:
        return f"{item.dataset} has one class: no classifier is trained"
    return f"test accuracy {content['test_accuracy']:.4f} in {report}, weights in {folder}"


def log(item: Item, run: StageRun) -> None:
    """Log the accuracies, the weights and the settings."""
    folder, report = item.outputs
    measured = results.load_numbers(report, item.dataset)
    accuracies = {k: v for k, v in measured.items() if k.endswith("_accuracy")}
    run.log(metrics=accuracies, artifacts=[folder, report])


def _labelled(data: Prepared, split: str) -> Split:
    return data.images(split), data.labels(split)
