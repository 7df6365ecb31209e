"""The training loop: any input, model and objective; images stay packed as bytes until used."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from autoencoders import randomness
from autoencoders.data.batches import batches, images_at_a_time, shuffled, steps_per_epoch
from autoencoders.errors import UserError
from autoencoders.keys import Precision
from autoencoders.randomness import Noise
from autoencoders.training import checkpoints
from autoencoders.training.optimizers import set_rates
from autoencoders.training.parallel import Processes
from autoencoders.training.record import Record, Row
from autoencoders.training.settings import Training
from autoencoders.training.watch import Guard, Means, diverged
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.objectives.base import Networks

VALIDATION_BATCH = 1000  # images at a time, at most
ALONE = Processes()


class Progress(Protocol):
    """What is told about a training while it runs."""

    def step(self) -> None:
        """Hear that one batch is done."""
        ...

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Hear that one epoch is done; `row` is its line of the history."""
        ...


@dataclass
class Learner:
    """Everything that changes while training, and nothing else."""

    networks: Networks
    average: AveragedModel | None
    optimizers: dict[str, list[torch.optim.Optimizer]]
    generators: dict[str, torch.Generator]
    first_losses: dict[str, Tensor] = field(default_factory=dict)
    record: Record = field(default_factory=Record)

    @property
    def result(self) -> Networks:
        """Return what is validated and saved: the averaged networks where there are any."""
        return self.networks if self.average is None else cast(Networks, self.average.module)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on as if nothing had happened."""
        return {
            "networks": self.networks.state_dict(),
            "average": self.average and self.average.state_dict(),
            "optimizers": {
                name: [optimizer.state_dict() for optimizer in group]
                for name, group in self.optimizers.items()
            },
            "generators": {name: g.get_state() for name, g in self.generators.items()},
            "first_losses": self.first_losses,
            "history": self.record.history,
            "best": self.record.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state` returned."""
        self.networks.load_state_dict(state["networks"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for name, group in self.optimizers.items():
            for optimizer, saved in zip(group, state["optimizers"][name], strict=True):
                optimizer.load_state_dict(saved)
        for name, generator in self.generators.items():
            generator.set_state(state["generators"][name].cpu())
        self.first_losses = state["first_losses"]
        self.record = Record(state["history"], state["best"])


def train(
    assembled: Assembled,
    train_images: Tensor,
    validation_images: Tensor,
    training: Training,
    *,
    seed: int,
    name: str,
    device: torch.device,
    progress: Progress,
    checkpoint: Path | None = None,
    processes: Processes = ALONE,
) -> list[Row]:
    """Train a variant's networks in place; leave the best epoch's weights.

    Images are uint8 `(N, C, H, W)`; a memory-mapped tensor is read batch by batch. An epoch's
    best is the lowest validation loss. Randomness comes from `seed` and `name`. With a
    `checkpoint` path, the state is written there after each epoch, and a state found there is
    taken up. Of several `processes`, each learns from its part of every batch, and all end with
    the same weights.

    Returns one row per epoch: `epoch`, `train_*` and `validation_*` means over images of the
    objective's terms, `learning_rate`, `gradient_norm`.

    Raises:
        UserError: a loss is not finite or explodes; or a batch cannot be shared equally.
    """
    _require_equal_parts(min(training.batch_size, len(train_images)), processes)
    steps = steps_per_epoch(len(train_images), training.batch_size)
    networks = assembled.networks
    networks.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    learner = Learner(
        networks,
        _average(networks, training.ema_decay),
        {
            step: training.optimizers[step].build(parameters=parameters)
            for step, parameters in assembled.objective.parameter_groups(networks).items()
        },
        {
            "order": randomness.generator(seed, f"{name}/order"),
            "noise": randomness.generator(seed, f"{name}/draws", device),
        },
    )
    if checkpoint and (saved := checkpoints.load(checkpoint, device)):
        learner.restore(saved)
        for _ in range(len(learner.record.history) * steps):
            progress.step()
    processes.wait()
    precision = autocast(training.precision, device)
    train_images, validation_images = (
        resident(images, device) for images in (train_images, validation_images)
    )
    while not learner.record.finished(training):
        started = time.perf_counter()
        row = _learn(
            learner, assembled, train_images, training, precision, progress, checkpoint, processes
        )
        noise = randomness.noise(seed, f"{name}/validation", device)
        row |= _validate(learner.result, assembled, validation_images, noise, precision)
        if not math.isfinite(row["validation_loss"]):
            epoch = len(learner.record.history)
            raise diverged((epoch + 1) * steps, epoch, checkpoint)
        learner.record.note(row, learner.result.state_dict())
        if checkpoint and processes.leads:
            checkpoints.save(checkpoint, learner.state())
        progress.epoch(row, len(train_images) / (time.perf_counter() - started))
    networks.load_state_dict(learner.record.best["networks"])
    return learner.record.history


def autocast(
    precision: Precision, device: torch.device
) -> Callable[[], AbstractContextManager[Any]]:
    """Return the context in which networks run."""
    enabled = in_bfloat16(precision, device)
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def in_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Tell whether networks run in bfloat16; with `auto` they do where the hardware has it."""
    if precision == "auto":
        on_gpu = device.type == "cuda"
        return torch.cuda.is_bf16_supported() if on_gpu else torch.cpu._is_avx512_bf16_supported()
    return precision == "bfloat16"


def resident(images: Tensor, device: torch.device) -> Tensor:
    """Return `images` on a GPU that has room for them twice, else where they are."""
    if device.type == "cuda" and 2 * images.nbytes < torch.cuda.mem_get_info(device)[0]:
        return images.to(device)
    return images


def _require_equal_parts(batch: int, processes: Processes) -> None:
    if batch % processes.count:
        raise UserError(
            f"a batch of {batch} images cannot be shared equally by {processes.count} processes: "
            "choose a number of processes that divides training.batch_size"
        )


def _average(networks: Networks, decay: float) -> AveragedModel | None:
    """Return an exponential moving average of the weights, None where nothing is averaged."""
    if decay == 0:
        return None
    return AveragedModel(networks, multi_avg_fn=get_ema_multi_avg_fn(decay))


def _learn(
    learner: Learner,
    assembled: Assembled,
    images: Tensor,
    training: Training,
    precision: Callable[[], AbstractContextManager[Any]],
    progress: Progress,
    checkpoint: Path | None,
    processes: Processes,
) -> Row:
    """Run one epoch of updates and return its row of training terms."""
    networks, objective = learner.networks, assembled.objective
    device = learner.generators["noise"].device
    epoch, steps = len(learner.record.history), steps_per_epoch(len(images), training.batch_size)
    factor = training.schedule.build()
    groups = objective.parameter_groups(networks)
    optimizers = [optimizer for group in learner.optimizers.values() for optimizer in group]
    guard = Guard(epoch, steps, len(groups), learner.first_losses, checkpoint, device)
    means = Means()
    noise = Noise(learner.generators["noise"], processes.rank, processes.count)
    whole = shuffled(len(images), training.batch_size, learner.generators["order"], images.device)
    mine = [processes.part(indices) for indices in whole]

    def step(name: str, losses: Tensor) -> None:
        loss = losses.mean()
        guard.loss(name, processes.mean(loss.detach()))
        for parameter in groups[name]:
            parameter.grad = None
        with torch.autocast(device.type, enabled=False):
            loss.backward(inputs=groups[name])
            gradients = [p.grad for p in groups[name] if p.grad is not None]
            processes.average(gradients)
            guard.gradients(gradients)
            for optimizer in learner.optimizers[name]:
                optimizer.step()
        torch.clear_autocast_cache()  # it holds the weights as they were before the step

    for index, batch in enumerate(batches(images, mine, device)):
        rate = set_rates(optimizers, factor((epoch * steps + index) / (steps * training.epochs)))
        seen = assembled.input(batch, noise)
        with precision():
            means.add(objective.update(networks, seen, batch, noise, step))
        if learner.average is not None:
            learner.average.update_parameters(networks)
        progress.step()
    guard.check()
    terms = {f"train_{name}": value for name, value in means.values(processes).items()}
    return {"epoch": epoch + 1, **terms, "learning_rate": rate, "gradient_norm": guard.norm()}


@torch.no_grad()
def _validate(
    networks: Networks,
    assembled: Assembled,
    images: Tensor,
    noise: Noise,
    precision: Callable[[], AbstractContextManager[Any]],
) -> Row:
    """Return the objective's terms on all validation images; every process goes through all."""
    means = Means()
    at_a_time = images_at_a_time(images.shape[1:], VALIDATION_BATCH)
    chunks = torch.arange(len(images), device=images.device).split(at_a_time)
    for batch in batches(images, chunks, noise.generator.device):
        seen = assembled.input(batch, noise)
        with precision():
            means.add(assembled.objective.terms(networks, seen, batch, noise))
    return {f"validation_{name}": value for name, value in means.values(ALONE).items()}
