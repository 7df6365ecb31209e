"""Packed images into a trained variant: weights, history, resolved params."""

import hashlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from autoencoders import paths, pipeline
from autoencoders.data.batches import steps_per_epoch
from autoencoders.data.prepared import Prepared
from autoencoders.device import device, tune_cpu
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.progress import TrainingProgress
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import DataUsed, StageRun, TrainedModel
from autoencoders.trained import classifier, variant, weights
from autoencoders.trained.weights import RECORD, WEIGHTS
from autoencoders.training import checkpoints, loop, parallel
from autoencoders.training.record import Row
from autoencoders.training.settings import Training
from autoencoders.variants.objectives.perceptual import Perceive

Trainer = Callable[..., list[Row]]


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the seed and the variant."""
    return {"seed": params.seed, **params.variants[item.variant].model_dump(mode="json")}


def data_used(item: Item) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: Item) -> list[Path]:
    """Return the weights, the history and the resolved params."""
    folder = _folder(item)
    return [folder / WEIGHTS, folder / variant.HISTORY, folder / RECORD]


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Train one variant on one dataset, from its checkpoint where there is one.

    Of several processes under torchrun, all train and the first alone shows and writes.
    """
    # before torch starts the threads that inherit it
    tune_cpu(params.variants[item.variant].training.threads)
    data = Prepared(paths.prepared(item.dataset))
    description = _describe(params, item, data)
    assembled = variant.build(description, _perceive(description, item))
    training = description.variant.training
    train = trainer(training)
    leads = parallel.started().leads
    checkpoint = _checkpoint(description, item)
    progress = TrainingProgress(
        item.name,
        training.epochs,
        steps_per_epoch(len(data.images("train")), training.batch_size),
        lambda row, rate: run.log_epoch(int(row["epoch"]), row | {"images_per_second": rate}),
        shown=leads,
    )
    with closing(progress), parallel.joined(device()) as processes:
        history = train(
            assembled,
            data.images("train"),
            data.images("validation"),
            training,
            seed=params.seed,
            name=f"{item.dataset}/{item.variant}",
            device=device(),
            progress=progress,
            checkpoint=checkpoint,
            processes=processes,
        )
    if not leads:
        return f"trained as process {processes.rank} of {processes.count}"
    variant.save(_folder(item), description, assembled, history)
    checkpoint.unlink(missing_ok=True)
    best = variant.best_epoch(variant.load_history(_folder(item)))
    return (
        f"validation loss {best['validation_loss']:.4f} at epoch {best['epoch']:.0f} of "
        f"{len(history)}, weights in {_folder(item)}"
    )


def log(item: Item, run: StageRun) -> None:
    """Log the best epoch, the files, and the model as one that loads without this repository."""
    folder = _folder(item)
    history = variant.load_history(folder)
    if not run.epochs_logged:
        for row in history.to_dict("records"):
            run.log_epoch(int(row["epoch"]), {str(name): value for name, value in row.items()})
    best = variant.best_epoch(history)
    run.log(
        metrics={f"best_{name}": value for name, value in best.items()},
        artifacts=outputs(item),
    )
    description, assembled = variant.load(folder)
    digest, name = weights.sha256(folder), f"{item.dataset}-{item.variant}"
    if description.variant.training.framework == "tensorflow":
        from autoencoders.training.tensorflow.weights import keras_model

        channels, *size = assembled.input_shape
        network, shape = keras_model(assembled), (*size, channels)
        run.log_model(TrainedModel(network, shape, digest, f"{name}-keras", "tensorflow"))
    # The last of these weights is the model that `evaluate` gives its metrics to.
    run.log_model(TrainedModel(assembled.model, assembled.input_shape, digest, name))


def trainer(training: Training) -> Trainer:
    """Return what trains under the framework that params.yaml names."""
    if training.framework == "torch":
        return loop.train
    from autoencoders.training.tensorflow import fit

    fit.tune(training.threads)
    return fit.train


def _folder(item: Item) -> Path:
    return paths.model(item.dataset, item.variant)


def _checkpoint(description: variant.Description, item: Item) -> Path:
    """Return where an unfinished training of this belongs, by all that decides its bits."""
    sources = b"".join(source.read_bytes() for source in pipeline.sources(item.stage))
    return checkpoints.path(
        f"{item.dataset}-{item.variant}",
        description.as_dict(),
        description.data_sha256,
        hashlib.sha256(sources).hexdigest(),
        device(),
        parallel.started().count,
        _versions(description.variant.training),
    )


def _versions(training: Training) -> list[str]:
    """Return the versions of what computes."""
    if training.framework == "torch":
        return [torch.__version__]
    from autoencoders.training.tensorflow.backend import keras, tf

    return [torch.__version__, tf.__version__, keras.__version__]


def _perceive(description: variant.Description, item: Item) -> Perceive | None:
    """Return what an objective that learns from the dataset's classifier is given of it."""
    if description.classifier_sha256 is None:
        return None
    frozen = classifier.load(paths.classifier(item.dataset), device())
    assert frozen is not None
    return frozen.maps


def _describe(params: Params, item: Item, data: Prepared) -> variant.Description:
    chosen = params.variants[item.variant]
    return variant.Description(
        dataset=item.dataset,
        name=item.variant,
        seed=params.seed,
        source=data.metadata.source,
        data_sha256=data.metadata.sha256,
        image_shape=data.metadata.image_shape,
        variant=chosen,
        classifier_sha256=(
            classifier.weights_sha256(paths.classifier(item.dataset))
            if chosen.objective.takes("perceive")
            else None
        ),
    )
