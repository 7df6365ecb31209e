"""The stage `train`: train a variant and save its weights, history and resolved params."""

from contextlib import closing
from typing import Any

from autoencoders import dependencies, files, paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import device
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.progress import TrainingProgress
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import StageRun, TrainedModel
from autoencoders.trained import classifier, variant
from autoencoders.training import parallel
from autoencoders.training.train import train

data_used = prepared_data


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the seed and the variant."""
    return {"seed": params.seed, **params.variants[item.variant].model_dump(mode="json")}


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Train one variant on one dataset; continue from its checkpoint if there is one.

    With torchrun all processes train, but only the first shows progress and writes files.
    """
    settings, folder = params.variants[item.variant], paths.model(item.dataset, item.variant)
    perceive = classifier_sha256 = None
    if settings.objective.takes("perceive"):
        teacher, classifier_sha256 = classifier.load_teacher(
            paths.classifier(item.dataset), device()
        )
        perceive = teacher.maps
    code_sha256 = dependencies.code_sha256(item.stage, item.variant)
    data = Prepared(paths.prepared(item.dataset))
    progress = TrainingProgress(item.name, run.log_epoch, show=parallel.from_environment().is_main)
    with closing(progress), parallel.process_group(device()) as processes:
        trained = train(
            data.training_images,
            data.images("validation"),
            settings,
            params.seed,
            name=f"{item.dataset}/{item.variant}",
            device=device(),
            progress=progress,
            folder=paths.CHECKPOINTS,
            digests=(data.metadata.sha256, code_sha256, classifier_sha256),
            perceive=perceive,
            processes=processes,
            redrawn=data.redrawn,
        )
    if not processes.is_main:
        return f"trained as process {processes.rank} of {processes.count}"
    description = variant.Description(
        dataset=item.dataset,
        name=item.variant,
        seed=params.seed,
        source=data.metadata.source,
        data_sha256=data.metadata.sha256,
        image_shape=data.metadata.image_shape,
        variant=settings,
        classifier_sha256=classifier_sha256,
    )
    variant.save(folder, description, trained.variant, trained.history)
    if trained.checkpoint:
        trained.checkpoint.unlink(missing_ok=True)
    best = min(trained.history, key=lambda row: row["validation_loss"])
    return (
        f"validation loss {best['validation_loss']:.4f} at epoch {best['epoch']:.0f} of "
        f"{len(trained.history)}, weights in {folder}"
    )


def log(item: Item, run: StageRun) -> None:
    """Log the epoch with the lowest validation loss, the files, and the model.

    The logged model can be loaded without this repository.
    """
    folder = paths.model(item.dataset, item.variant)
    history = variant.load_history(folder)
    if not run.epochs_logged:
        for row in history.to_dict("records"):
            run.log_epoch(int(row["epoch"]), {str(name): value for name, value in row.items()})
    best = variant.best_epoch(history)
    run.log(
        metrics={f"best_{name}": value for name, value in best.items()},
        artifacts=item.outputs,
    )
    trained = variant.load(folder, Prepared(paths.prepared(item.dataset)))
    digest, name = files.digest(folder / paths.WEIGHTS), f"{item.dataset}-{item.variant}"
    if trained.description.variant.training.framework == "tensorflow":
        from autoencoders.training.tensorflow.networks import keras_model

        channels, *size = trained.input_shape
        network, shape = keras_model(trained), (*size, channels)
        run.log_model(TrainedModel(network, shape, digest, f"{name}-keras", "tensorflow"))
    # Log this model last: `evaluate` adds its metrics to the last model with these weights.
    run.log_model(TrainedModel(trained.model, trained.input_shape, digest, name))
