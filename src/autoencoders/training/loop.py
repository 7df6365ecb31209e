"""The training loop: any input, model and objective; images stay packed as bytes until used."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from autoencoders import randomness
from autoencoders.data.batches import batches
from autoencoders.inputs import Input
from autoencoders.models import Autoencoder
from autoencoders.objectives import Objective, Terms
from autoencoders.params import Training
from autoencoders.training import checkpoints
from autoencoders.training.optimizers import OPTIMIZERS, SCHEDULES
from autoencoders.training.watch import Watch, diverged

VALIDATION_BATCH = 1000  # images at a time; no result depends on it

Row = dict[str, float]


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

    model: Autoencoder
    objective: Objective
    optimizers: dict[str, list[torch.optim.Optimizer]]
    generators: dict[str, torch.Generator]
    history: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    @property
    def networks(self) -> nn.ModuleDict:
        """Return model and objective as one module: what is saved."""
        return nn.ModuleDict({"model": self.model, "objective": self.objective})

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on as if nothing had happened."""
        return {
            "networks": self.networks.state_dict(),
            "optimizers": {
                name: [optimizer.state_dict() for optimizer in group]
                for name, group in self.optimizers.items()
            },
            "generators": {name: g.get_state() for name, g in self.generators.items()},
            "history": self.history,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state` returned."""
        self.networks.load_state_dict(state["networks"])
        for name, group in self.optimizers.items():
            for optimizer, saved in zip(group, state["optimizers"][name], strict=True):
                optimizer.load_state_dict(saved)
        for name, generator in self.generators.items():
            generator.set_state(state["generators"][name].cpu())
        self.history = state["history"]
        self.best = state["best"]


def train(
    model: Autoencoder,
    objective: Objective,
    corruption: Input,
    train_images: Tensor,
    validation_images: Tensor,
    training: Training,
    *,
    seed: int,
    name: str,
    device: torch.device,
    progress: Progress,
    checkpoint: Path | None = None,
) -> list[Row]:
    """Train `model` (and the objective's own networks) in place; leave the best epoch's weights.

    Images are uint8 `(N, C, H, W)`; a memory-mapped tensor is read batch by batch. An epoch's
    best is the lowest validation loss. Randomness comes from `seed` and `name`. With a
    `checkpoint` path, the state is written there after each epoch, and a state found there is
    taken up.

    Returns one row per epoch: `epoch`, `train_*` and `validation_*` means over images of the
    objective's terms, `learning_rate`, `gradient_norm`.

    Raises:
        UserError: the loss is no longer finite.
    """
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective.to(device)
    learner = Learner(
        model,
        objective,
        {
            step: training.optimizers[step].build(OPTIMIZERS, parameters=parameters)
            for step, parameters in objective.parameter_groups(model).items()
        },
        {
            "order": randomness.generator(seed, f"{name}/order"),
            "draws": randomness.generator(seed, f"{name}/draws", device),
        },
    )
    if checkpoint and (saved := checkpoints.load(checkpoint, device)):
        learner.restore(saved)
        for _ in range(len(learner.history) * steps_per_epoch(len(train_images), training)):
            progress.step()
    precision = autocast(training.precision, device)
    while len(learner.history) < training.epochs:
        started = time.perf_counter()
        row = _learn(learner, corruption, train_images, training, precision, progress, checkpoint)
        generator = randomness.generator(seed, f"{name}/validation", device)
        row |= _validate(learner, corruption, validation_images, generator, precision)
        if not math.isfinite(row["validation_loss"]):
            epoch = len(learner.history)
            last_step = (epoch + 1) * steps_per_epoch(len(train_images), training)
            raise diverged(last_step, epoch, checkpoint)
        learner.history.append(row)
        if not learner.best or row["validation_loss"] < learner.best["loss"]:
            weights = {k: v.clone() for k, v in learner.networks.state_dict().items()}
            learner.best = {"loss": row["validation_loss"], "networks": weights}
        if checkpoint:
            checkpoints.save(checkpoint, learner.state())
        progress.epoch(row, len(train_images) / (time.perf_counter() - started))
    learner.networks.load_state_dict(learner.best["networks"])
    return learner.history


def steps_per_epoch(n_images: int, training: Training) -> int:
    """Return the batches in an epoch: whole ones only, but at least one."""
    return max(1, n_images // training.batch_size)


def autocast(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    """Return the context in which networks run; `auto` is bfloat16 where the hardware has it."""
    if precision == "auto":
        on_gpu = device.type == "cuda"
        native = torch.cuda.is_bf16_supported() if on_gpu else torch.cpu._is_avx512_bf16_supported()
        precision = "bfloat16" if native else "float32"
    enabled = precision == "bfloat16"
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def _learn(
    learner: Learner,
    corruption: Input,
    images: Tensor,
    training: Training,
    precision: Callable[[], AbstractContextManager[Any]],
    progress: Progress,
    checkpoint: Path | None,
) -> Row:
    """Run one epoch of updates and return its row of training terms."""
    epoch, device = len(learner.history), next(learner.model.parameters()).device
    steps = steps_per_epoch(len(images), training)
    factor = training.schedule.build(SCHEDULES)
    groups = learner.objective.parameter_groups(learner.model)
    watch = Watch(epoch, steps, len(groups), checkpoint, device)
    order = torch.randperm(len(images), generator=learner.generators["order"])
    order = order[: steps * training.batch_size]
    draws = learner.generators["draws"]

    def step(name: str, losses: Tensor) -> None:
        loss = losses.mean()
        watch.loss(loss)
        for parameter in groups[name]:
            parameter.grad = None
        loss.backward(inputs=groups[name])
        watch.gradients([p.grad for p in groups[name] if p.grad is not None])
        for optimizer in learner.optimizers[name]:
            optimizer.step()

    for index, batch in enumerate(batches(images, order, training.batch_size, device)):
        rate = _set_rates(learner, factor((epoch * steps + index) / (steps * training.epochs)))
        seen = corruption(batch, draws)
        with precision():
            watch.terms(learner.objective.update(learner.model, seen, batch, draws, step))
        progress.step()
    means = {f"train_{name}": value for name, value in watch.means().items()}
    return {"epoch": epoch + 1, **means, "learning_rate": rate, "gradient_norm": watch.norm()}


def _set_rates(learner: Learner, factor: float) -> float:
    """Set every learning rate to `factor` times its full value; return the first one."""
    groups = [
        group
        for optimizers in learner.optimizers.values()
        for optimizer in optimizers
        for group in optimizer.param_groups
    ]
    for group in groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
    return float(groups[0]["lr"])


@torch.no_grad()
def _validate(
    learner: Learner,
    corruption: Input,
    images: Tensor,
    generator: torch.Generator,
    precision: Callable[[], AbstractContextManager[Any]],
) -> Row:
    """Return the objective's terms on all validation images."""
    watch = Watch(len(learner.history), 1, 1, None, generator.device)
    for batch in batches(images, torch.arange(len(images)), VALIDATION_BATCH, generator.device):
        seen = corruption(batch, generator)
        with precision():
            terms: Terms = learner.objective.terms(learner.model, seen, batch, generator)
        watch.terms(terms)
    return {f"validation_{name}": value for name, value in watch.means().items()}
