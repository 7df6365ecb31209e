"""Packed images into a trained variant: weights, history, resolved params."""

from contextlib import closing
from pathlib import Path
from typing import Any

from autoencoders import classifier, paths, trained
from autoencoders.data import splits
from autoencoders.data.batches import steps_per_epoch
from autoencoders.device import device
from autoencoders.objectives import OBJECTIVES, Perceive
from autoencoders.params import Params
from autoencoders.progress import TrainingProgress
from autoencoders.stages.common import images, prepared_data, variant_of
from autoencoders.tracking import DataUsed, StageIdentity, StageRun, TrainedModel
from autoencoders.training import checkpoints, loop, parallel


def used_params(params: Params, item: StageIdentity) -> dict[str, Any]:
    """Return the seed and the variant."""
    _, variant = variant_of(item)
    return {"seed": params.seed, **params.variants[variant].model_dump(mode="json")}


def data_used(item: StageIdentity) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: StageIdentity) -> list[Path]:
    """Return the weights, the history and the resolved params."""
    folder = paths.model(*variant_of(item))
    return [folder / trained.WEIGHTS, folder / trained.HISTORY, folder / trained.PARAMS]


def produce(params: Params, item: StageIdentity, run: StageRun) -> str:
    """Train one variant on one dataset, from its checkpoint where there is one.

    Of several processes under torchrun, all train and the first alone shows and writes.
    """
    dataset, variant = variant_of(item)
    description = _describe(params, dataset, variant)
    networks = trained.build(description, _perceive(description))
    training = description.variant.training
    leads = parallel.started().leads
    checkpoint = checkpoints.path(
        f"{dataset}-{variant}",
        description.as_dict(),
        description.data_sha256,
        device(),
        parallel.started().count,
    )
    train_images = images(dataset, "train")
    progress = TrainingProgress(
        item.name,
        training.epochs,
        steps_per_epoch(len(train_images), training.batch_size),
        lambda row, rate: run.log_epoch(int(row["epoch"]), row | {"images_per_second": rate}),
        shown=leads,
    )
    with closing(progress), parallel.joined(device()) as processes:
        history = loop.train(
            networks.model,
            networks.objective,
            networks.corruption,
            train_images,
            images(dataset, "validation"),
            training,
            seed=params.seed,
            name=f"{dataset}/{variant}",
            device=device(),
            progress=progress,
            checkpoint=checkpoint,
            processes=processes,
        )
    if not leads:
        return f"trained as process {processes.rank} of {processes.count}"
    trained.save(paths.model(dataset, variant), description, networks, history)
    checkpoint.unlink(missing_ok=True)
    best = trained.best_epoch(trained.load_history(paths.model(dataset, variant)))
    return (
        f"validation loss {best['validation_loss']:.4f} at epoch {best['epoch']:.0f} of "
        f"{len(history)}, weights in {paths.model(dataset, variant)}"
    )


def log(item: StageIdentity, run: StageRun) -> None:
    """Log the best epoch, the files, and the model as one that loads without this repository."""
    dataset, variant = variant_of(item)
    folder = paths.model(dataset, variant)
    history = trained.load_history(folder)
    if not run.epochs_logged:
        for row in history.to_dict("records"):
            run.log_epoch(int(row["epoch"]), {str(name): value for name, value in row.items()})
    best = trained.best_epoch(history)
    run.log(
        metrics={f"best_{name}": value for name, value in best.items()},
        artifacts=outputs(item),
    )
    description, networks = trained.load(folder)
    run.log_model(
        TrainedModel(
            networks.model,
            networks.corruption.shape(description.image_shape),
            trained.weights_sha256(folder),
            f"{dataset}-{variant}",
        )
    )


def _perceive(description: trained.Description) -> Perceive | None:
    """Return what an objective that learns from the dataset's classifier is given of it."""
    if description.classifier_sha256 is None:
        return None
    frozen = classifier.load(paths.classifier(description.dataset))
    assert frozen is not None
    return frozen.to(device()).maps


def _describe(params: Params, dataset: str, variant: str) -> trained.Description:
    metadata = splits.load_metadata(paths.prepared(dataset))
    perceives = params.variants[variant].objective.takes(OBJECTIVES, "perceive")
    return trained.Description(
        dataset=dataset,
        name=variant,
        seed=params.seed,
        source=metadata.source,
        data_sha256=metadata.sha256,
        image_shape=metadata.image_shape,
        variant=params.variants[variant],
        classifier_sha256=(
            classifier.weights_sha256(paths.classifier(dataset)) if perceives else None
        ),
    )
