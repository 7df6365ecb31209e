"""The training loop for any variant; images stay uint8 until a batch needs them."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from autoencoders import randomness
from autoencoders.datasets.batches import (
    batches,
    images_at_a_time,
    shuffled_indices,
    steps_per_epoch,
)
from autoencoders.errors import UserError
from autoencoders.param_types import Precision
from autoencoders.randomness import Noise
from autoencoders.training import checkpoints
from autoencoders.training.averaging import moving_average
from autoencoders.training.history import Progress, Record, Row
from autoencoders.training.monitoring import Guard, Means, divergence_error
from autoencoders.training.parallel import SINGLE_PROCESS, Processes
from autoencoders.training.schedules import set_rates, share_done
from autoencoders.training.settings import Training
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.objectives.base import Networks

VALIDATION_BATCH = 1000  # the largest number of images in a batch


class Learner(Protocol):
    """A variant that is trained by one framework: networks, optimisers and random generators.

    Images are uint8 `(N, C, H, W)`; weights have any shape.

    Attributes:
        assembled: the variant with its PyTorch networks.
        training: its training settings.
        device: the device of images and checkpoints.
        processes: the processes that share the training.
    """

    assembled: Assembled
    training: Training
    device: torch.device
    processes: Processes

    def train_epoch(self, images: Tensor, guard: Guard, progress: Progress) -> Row:
        """Run one epoch; return means of terms, the last learning rate and the gradient norm."""
        ...

    def validate(self, images: Tensor) -> Row:
        """Return the mean of each term (`validation_*`); the noise is the same in every epoch."""
        ...

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights to validate and save, by their names in `assembled.networks`."""
        ...

    def state(self) -> dict[str, Any]:
        """Return the state from which `restore` continues the training with the same results."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state that `state` has returned."""
        ...


def fit(
    learner: Learner,
    train_images: Tensor,
    validation_images: Tensor,
    progress: Progress,
    checkpoint: Path | None = None,
    redraw: Callable[[Tensor, int], Tensor] | None = None,
) -> list[Row]:
    """Train a variant's networks in place, and set them to the weights of the best epoch.

    Images are uint8 `(N, C, H, W)`. After each epoch, the state is written to `checkpoint`. If this
    file exists, training resumes from it. `redraw` returns the training images of an epoch by its
    index; without it they are the same in all epochs.

    Returns one row per epoch: `epoch`, the means over images of the objective's terms as `train_*`
    and `validation_*`, `learning_rate`, `gradient_norm`.

    Raises:
        UserError: a loss is not finite or explodes, or the batch size is not divisible by the
            number of processes.
    """
    training, device, processes = learner.training, learner.device, learner.processes
    if (batch := min(training.batch_size, len(train_images))) % processes.count:
        raise UserError(
            f"torchrun: found {processes.count} processes, which do not divide a batch of {batch} "
            f"images; allowed: a divisor of {batch}; change their number or training.batch_size"
        )
    steps = steps_per_epoch(len(train_images), training.batch_size)
    losses = len(learner.assembled.objective.steps)
    record, first_losses = Record(), dict[str, Tensor]()
    if checkpoint and (saved := checkpoints.load(checkpoint, device)):
        learner.restore(saved)
        record, first_losses = Record(saved["history"], saved["best"]), saved["first_losses"]
    progress.begin(training.epochs, steps, len(record.history))
    processes.wait()
    train_images, validation_images = (
        move_if_room(images, device) for images in (train_images, validation_images)
    )
    while not record.finished(training):
        started, epoch = time.perf_counter(), len(record.history)
        guard = Guard(epoch, steps, losses, first_losses, checkpoint, device)
        images = redraw(train_images, epoch) if redraw else train_images
        row = {"epoch": epoch + 1, **learner.train_epoch(images, guard, progress)}
        row |= learner.validate(validation_images)
        if not math.isfinite(row["validation_loss"]):
            raise divergence_error((epoch + 1) * steps, epoch, checkpoint)
        weights = learner.weights()
        record.add(row, weights)
        if checkpoint and processes.is_main:
            state = learner.state() | vars(record) | {"first_losses": first_losses}
            checkpoints.save(checkpoint, state)
        progress.epoch(row, len(train_images) / (time.perf_counter() - started))
        progress.weights(epoch + 1, weights)
    learner.assembled.networks.load_state_dict(record.best["networks"])
    return record.history


class TorchLearner:
    """A variant that PyTorch trains; see `Learner` for attributes and shapes, such as `(N, …)`."""

    def __init__(
        self,
        assembled: Assembled,
        training: Training,
        seed: int,
        name: str,
        device: torch.device,
        processes: Processes,
    ) -> None:
        self.assembled = assembled
        self.input, self.objective = assembled.input, assembled.objective
        self.training = training
        self.seed, self.name = seed, name
        self.device = device
        self.processes = processes
        self.autocast = autocast(training.precision, device)
        self.networks = assembled.networks
        self.networks.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        decay = training.ema_decay
        self.average = (
            AveragedModel(self.networks, multi_avg_fn=moving_average(decay)) if decay else None
        )
        # The networks to validate and save.
        self.result = cast(Networks, self.average.module) if self.average else self.networks
        self.groups = self.objective.parameter_groups(self.networks)
        self.optimizers: dict[str, list[torch.optim.Optimizer]] = {
            step: training.optimizers[step].build(parameters=parameters)
            for step, parameters in self.groups.items()
        }
        self.generators = {
            "order": randomness.generator(seed, f"{name}/order"),
            "noise": randomness.generator(seed, f"{name}/draws", device),
        }

    def train_epoch(self, images: Tensor, guard: Guard, progress: Progress) -> Row:
        """Run one epoch of updates; see `Learner.train_epoch`."""
        training = self.training
        factor = training.schedule.build()
        optimizers = [optimizer for group in self.optimizers.values() for optimizer in group]
        noise = Noise(self.generators["noise"], self.processes.rank, self.processes.count)
        order = shuffled_indices(
            len(images), training.batch_size, self.generators["order"], images.device
        )
        chunks = [self.processes.part(indices) for indices in order]
        means = Means()

        def step(name: str, losses: Tensor) -> None:
            loss = losses.mean()
            guard.check_loss(name, self.processes.mean(loss.detach()))
            for parameter in self.groups[name]:
                parameter.grad = None
            with torch.autocast(self.device.type, enabled=False):
                loss.backward(inputs=self.groups[name])
                gradients = [p.grad for p in self.groups[name] if p.grad is not None]
                self.processes.average(gradients)
                guard.add_gradients(gradients)
                for optimizer in self.optimizers[name]:
                    optimizer.step()
            torch.clear_autocast_cache()  # its copies of the weights are older than this step

        for index, batch in enumerate(batches(images, chunks, self.device)):
            done = share_done(guard.epoch, index, guard.steps, training.epochs)
            rate = set_rates(optimizers, factor(done))
            inputs = self.input(batch, noise)
            with self.autocast():
                means.add(self.objective.update(self.networks, inputs, batch, noise, step))
            if self.average is not None:
                self.average.update_parameters(self.networks)
            progress.step()
        guard.check()
        terms = {f"train_{name}": mean for name, mean in means.values(self.processes).items()}
        return {**terms, "learning_rate": rate, "gradient_norm": guard.gradient_norm()}

    @torch.no_grad()
    def validate(self, images: Tensor) -> Row:
        """Return the mean of each term; every process computes it from all validation images."""
        noise = randomness.noise(self.seed, f"{self.name}/validation", self.device)
        means = Means()
        at_a_time = images_at_a_time(images.shape[1:], VALIDATION_BATCH)
        chunks = torch.arange(len(images), device=images.device).split(at_a_time)
        for batch in batches(images, chunks, self.device):
            inputs = self.input(batch, noise)
            with self.autocast():
                means.add(self.objective.terms(self.result, inputs, batch, noise))
        return {f"validation_{name}": mean for name, mean in means.values(SINGLE_PROCESS).items()}

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights, or their moving average if `ema_decay` is set."""
        return self.result.state_dict()

    def state(self) -> dict[str, Any]:
        """Return the state from which `restore` continues the training with the same results."""
        return {
            "networks": self.networks.state_dict(),
            "average": self.average and self.average.state_dict(),
            "optimizers": {
                name: [optimizer.state_dict() for optimizer in group]
                for name, group in self.optimizers.items()
            },
            "generators": {name: g.get_state() for name, g in self.generators.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state that `state` has returned."""
        self.networks.load_state_dict(state["networks"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for name, group in self.optimizers.items():
            for optimizer, saved in zip(group, state["optimizers"][name], strict=True):
                optimizer.load_state_dict(saved)
        for name, generator in self.generators.items():
            generator.set_state(state["generators"][name].cpu())


def autocast(
    precision: Precision, device: torch.device
) -> Callable[[], AbstractContextManager[Any]]:
    """Return a function that creates the autocast context for networks."""
    enabled = in_bfloat16(precision, device)
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def in_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Return whether networks run in bfloat16; `auto` chooses it if the hardware supports it."""
    if precision == "auto":
        on_gpu = device.type == "cuda"
        return torch.cuda.is_bf16_supported() if on_gpu else torch.cpu._is_avx512_bf16_supported()
    return precision == "bfloat16"


def move_if_room(images: Tensor, device: torch.device) -> Tensor:
    """Return `images` of any shape, moved to `device` if it is a GPU with twice their size free."""
    if device.type == "cuda" and 2 * images.nbytes < torch.cuda.mem_get_info(device)[0]:
        return images.to(device)
    return images
