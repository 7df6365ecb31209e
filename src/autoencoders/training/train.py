"""Training of a variant, as a function of images, settings and a seed."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from autoencoders.datasets.binarization import draw_binary
from autoencoders.device import CPU, tune_cpu
from autoencoders.param_types import Framework
from autoencoders.randomness import generator
from autoencoders.training import checkpoints
from autoencoders.training.history import SILENT, Progress, Row
from autoencoders.training.initial_weights import load_weights
from autoencoders.training.loop import Learner, TorchLearner, fit
from autoencoders.training.parallel import SINGLE_PROCESS, Processes
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Assembled, assemble
from autoencoders.variants.objectives.base import Perceive

LearnerClass = Callable[..., Learner]  # with the arguments of `training.loop.TorchLearner`


class TrainingResult(NamedTuple):
    """The result of a training.

    Attributes:
        variant: the variant with the weights of the best epoch.
        history: one row per epoch.
        checkpoint: the file to delete after the weights are saved.
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
    initial_weights: bytes | None = None,
    processes: Processes = SINGLE_PROCESS,
    redrawn: bool = False,
) -> TrainingResult:
    """Train a variant on images, and return it with the weights of the best epoch.

    The best epoch is the one with the lowest validation loss. Results depend on the images, the
    settings, the device, and on `seed` and `name`, which seed all random generators.

    Args:
        train_images: uint8 `(N, C, H, W)`; memory-mapped images are read batch by batch.
        validation_images: uint8 `(M, C, H, W)`, which select the best epoch.
        variant: input, model, objective and training settings, as in params.yaml.
        seed: the seed of initial weights, image order and noise.
        name: such as `mnist/conv`; with the same seed, each name gives other random numbers.
        device: the device of PyTorch; TensorFlow chooses its own.
        progress: receives each step and epoch.
        folder: the folder of the checkpoint, which each epoch replaces; None writes no checkpoint.
        digests: of images, code and everything else that a checkpoint depends on.
        perceive: maps images to a classifier's feature maps, for an objective that needs them.
        initial_weights: the content of a file in the format safetensors; None for random weights.
        processes: the processes that share the training; each trains on its part of every batch,
            and all get the same weights.
        redrawn: whether each epoch draws new binary images from the training images.

    Raises:
        ValueError: the variant's parts do not fit the images or each other.
        UserError: see `loop.fit` and `initial_weights.load_weights`.
    """
    training = variant.training
    learner_class, versions = load_framework(training.framework, training.threads)
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
    # Both are before a resumed training loads its checkpoint.
    assembled.model.start_from(train_images)
    if initial_weights is not None:
        load_weights(assembled.networks, initial_weights)
    learner = learner_class(assembled, training, seed, name, device, processes)
    redraw = partial(_draw_epoch, seed=seed, name=name) if redrawn else None
    history = fit(learner, train_images, validation_images, progress, checkpoint, redraw)
    return TrainingResult(assembled, history, checkpoint)


def _draw_epoch(images: Tensor, epoch: int, *, seed: int, name: str) -> Tensor:
    """Return binary images `(N, C, H, W)` that depend on the epoch, drawn from grey ones."""
    return draw_binary(images, generator(seed, f"{name}/pixels/{epoch}", images.device))


def load_framework(framework: Framework, threads: int) -> tuple[LearnerClass, list[str]]:
    """Return the learner class of a framework, and the versions of its libraries."""
    if framework == "torch":
        return TorchLearner, [torch.__version__]
    from autoencoders.training.tensorflow import fit  # optional, and slow to import

    return fit.KerasLearner, [torch.__version__, *fit.configure(threads)]
