"""The stage `train`: train a variant and save its weights, history and resolved params."""

from contextlib import closing
from typing import Any

from autoencoders import dependencies, files, find_weights, paths
from autoencoders.application import onnx_file
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import device
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.progress import TrainingProgress
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import StageRun, TrainedModel
from autoencoders.trained import classifier, variant
from autoencoders.trained.examples import Examples
from autoencoders.trained.training import train_on
from autoencoders.training import parallel

data_used = prepared_data


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the seed, the variant, and the SHA-256 of its initial weights."""
    variant = params.variants[item.variant]
    name = variant.training.initial_weights
    sha256 = {"initial_weights_sha256": find_weights.sha256(name)} if name else {}
    return {"seed": params.seed, **variant.model_dump(mode="json"), **sha256}


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
    name = settings.training.initial_weights
    weights = find_weights.read(name) if name else None
    code_sha256 = dependencies.code_sha256(item.stage, item.variant)
    data = Prepared(paths.prepared(item.dataset))
    examples = Examples(settings, data, params.seed)
    progress = TrainingProgress(
        item.name,
        run.log_epoch,
        lambda epoch, weights: run.log_image(epoch, examples.draw(weights)),
        show=parallel.from_environment().is_main,
    )
    with closing(progress), parallel.process_group(device()) as processes:
        description, trained = train_on(
            data,
            item.variant,
            settings,
            params.seed,
            progress=progress,
            folder=paths.CHECKPOINTS,
            code_sha256=code_sha256,
            perceive=perceive,
            classifier_sha256=classifier_sha256,
            initial_weights=weights,
            processes=processes,
        )
    if not processes.is_main:
        return f"trained as process {processes.rank} of {processes.count}"
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

    The logged model, and the ONNX file, can be used without this repository.
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
    run.log_onnx(f"{name}.onnx", lambda: onnx_file.to_onnx(trained, "network"))
    # Log this model last: `evaluate` adds its metrics to the last model with these weights.
    run.log_model(TrainedModel(trained.model, trained.input_shape, digest, name))
