"""Training as one function: images, a variant's settings and a seed in, a trained variant out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from autoencoders.device import CPU, tune_cpu
from autoencoders.param_types import Framework
from autoencoders.training import checkpoints
from autoencoders.training.history import SILENT, Progress, Row
from autoencoders.training.loop import Learner, TorchLearner, fit
from autoencoders.training.parallel import SINGLE_PROCESS, Processes
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Assembled, assemble
from autoencoders.variants.objectives.base import Perceive

LearnerClass = Callable[..., Learner]  # as `training.loop.TorchLearner`


class TrainingResult(NamedTuple):
    """A variant with the best epoch's weights, and a row for each epoch.

    `checkpoint` is the file to delete once the weights are saved.
    """

    variant: Assembled
    history: list[Row]
    checkpoint: Path | None


def train(
    train_images: Tensor,
    validation_images: Tensor,
    variant: Variant,
    seed: int,
    *,
    name: str = "variant",
    device: torch.device = CPU,
    progress: Progress = SILENT,
    folder: Path | None = None,
    digests: Sequence[str | None] = (),
    perceive: Perceive | None = None,
    processes: Processes = SINGLE_PROCESS,
) -> TrainingResult:
    """Train a variant on images, uint8 `(N, C, H, W)`; memory-mapped ones are read by the batch.

    An epoch's best is the lowest validation loss. Numbers depend on the images, the settings,
    `seed` and `name`, from which all randomness comes, and on the device.

    Args:
        train_images: what is learned from.
        validation_images: what tells which epoch is the best.
        variant: input, model, objective and how they train, as params.yaml has them.
        seed: of initial weights, order and noise.
        name: such as `mnist/conv`; another name draws other numbers from the same seed.
        device: where PyTorch computes; TensorFlow finds its own.
        progress: what is told of every step and epoch.
        folder: where a checkpoint is written after each epoch, and looked for; None for none.
        digests: of images, code and whatever else must be the same for a checkpoint to be taken up.
        perceive: what an objective that learns from a classifier is given of it.
        processes: those that share the training; each learns from its part of every batch, and all
            end with the same weights.

    Raises:
        ValueError: the variant's parts do not fit the images or each other.
        UserError: a loss is not finite or explodes; or a batch cannot be shared equally.
    """
    training = variant.training
    learning, versions = load_framework(training.framework, training.threads)
    checkpoint = folder and checkpoints.path(
        folder,
        name,
        *(variant.model_dump(mode="json"), seed, digests),
        *(versions, device.type, processes.count),
    )
    tune_cpu(training.threads)
    channels, height, width = train_images.shape[1:]
    assembled = assemble(
        variant, (channels, height, width), seed, name, training.initialization, perceive
    )
    learner = learning(assembled, training, seed, name, device, processes)
    history = fit(learner, train_images, validation_images, progress, checkpoint)
    return TrainingResult(assembled, history, checkpoint)


def load_framework(framework: Framework, threads: int) -> tuple[LearnerClass, list[str]]:
    """Return what trains, with so many threads, and the versions of what computes."""
    if framework == "torch":
        return TorchLearner, [torch.__version__]
    from autoencoders.training.tensorflow import fit  # an extra, and it takes seconds

    return fit.KerasLearner, [torch.__version__, *fit.configure(threads)]
