"""The training loop: any input, model and objective; images stay packed as bytes until used."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from autoencoders import randomness
from autoencoders.data.batches import batches, images_at_a_time, shuffled, steps_per_epoch
from autoencoders.errors import UserError
from autoencoders.keys import Precision
from autoencoders.randomness import Noise
from autoencoders.training import checkpoints
from autoencoders.training.parallel import ALONE, Processes
from autoencoders.training.record import Progress, Record, Row
from autoencoders.training.schedules import set_rates
from autoencoders.training.settings import Training
from autoencoders.training.watch import Guard, Means, diverged
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.objectives.base import Networks

VALIDATION_BATCH = 1000  # images at a time, at most


def fit(
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

    Arguments are those of `training.train.train`. With a `checkpoint` path, the state is written
    there after each epoch, and a state found there is taken up.

    Returns one row per epoch: `epoch`, `train_*` and `validation_*` means over images of the
    objective's terms, `learning_rate`, `gradient_norm`.

    Raises:
        UserError: a loss is not finite or explodes; or a batch cannot be shared equally.
    """
    _require_equal_parts(min(training.batch_size, len(train_images)), processes)
    steps = steps_per_epoch(len(train_images), training.batch_size)
    learner = Learner(assembled, training, seed, name, device, processes)
    if checkpoint and (saved := checkpoints.load(checkpoint, device)):
        learner.restore(saved)
    record = learner.record
    progress.begin(training.epochs, steps, len(record.history))
    processes.wait()
    train_images, validation_images = (
        resident(images, device) for images in (train_images, validation_images)
    )
    while not record.finished(training):
        started, epoch = time.perf_counter(), len(record.history)
        losses, first_losses = len(learner.groups), learner.first_losses
        guard = Guard(epoch, steps, losses, first_losses, checkpoint, device)
        row = learner.learn(train_images, guard, progress)
        noise = randomness.noise(seed, f"{name}/validation", device)
        row |= learner.validate(validation_images, noise)
        if not math.isfinite(row["validation_loss"]):
            raise diverged((epoch + 1) * steps, epoch, checkpoint)
        record.note(row, learner.result.state_dict())
        if checkpoint and processes.leads:
            checkpoints.save(checkpoint, learner.state())
        progress.epoch(row, len(train_images) / (time.perf_counter() - started))
    learner.networks.load_state_dict(record.best["networks"])
    return record.history


class Learner:
    """A variant that trains: its networks, and all else that changes from step to step."""

    def __init__(
        self,
        assembled: Assembled,
        training: Training,
        seed: int,
        name: str,
        device: torch.device,
        processes: Processes,
    ) -> None:
        self.see, self.objective = assembled.input, assembled.objective
        self.training = training
        self.device = device
        self.processes = processes
        self.autocast = autocast(training.precision, device)
        self.networks = assembled.networks
        self.networks.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = _average(self.networks, training.ema_decay)
        self.groups = self.objective.parameter_groups(self.networks)
        self.optimizers: dict[str, list[torch.optim.Optimizer]] = {
            step: training.optimizers[step].build(parameters=parameters)
            for step, parameters in self.groups.items()
        }
        self.generators = {
            "order": randomness.generator(seed, f"{name}/order"),
            "noise": randomness.generator(seed, f"{name}/draws", device),
        }
        self.first_losses: dict[str, Tensor] = {}
        self.record = Record()

    @property
    def result(self) -> Networks:
        """Return what is validated and saved: the averaged networks where there are any."""
        return self.networks if self.average is None else cast(Networks, self.average.module)

    def learn(self, images: Tensor, guard: Guard, progress: Progress) -> Row:
        """Run one epoch of updates and return its row of training terms."""
        training, epoch = self.training, len(self.record.history)
        factor = training.schedule.build()
        optimizers = [optimizer for group in self.optimizers.values() for optimizer in group]
        noise = Noise(self.generators["noise"], self.processes.rank, self.processes.count)
        whole = shuffled(len(images), training.batch_size, self.generators["order"], images.device)
        mine = [self.processes.part(indices) for indices in whole]
        means = Means()

        def step(name: str, losses: Tensor) -> None:
            loss = losses.mean()
            guard.loss(name, self.processes.mean(loss.detach()))
            for parameter in self.groups[name]:
                parameter.grad = None
            with torch.autocast(self.device.type, enabled=False):
                loss.backward(inputs=self.groups[name])
                gradients = [p.grad for p in self.groups[name] if p.grad is not None]
                self.processes.average(gradients)
                guard.gradients(gradients)
                for optimizer in self.optimizers[name]:
                    optimizer.step()
            torch.clear_autocast_cache()  # it holds the weights as they were before the step

        for index, batch in enumerate(batches(images, mine, self.device)):
            done = (epoch * len(mine) + index) / (len(mine) * training.epochs)
            rate = set_rates(optimizers, factor(done))
            seen = self.see(batch, noise)
            with self.autocast():
                means.add(self.objective.update(self.networks, seen, batch, noise, step))
            if self.average is not None:
                self.average.update_parameters(self.networks)
            progress.step()
        guard.check()
        terms = {f"train_{name}": mean for name, mean in means.values(self.processes).items()}
        return {"epoch": epoch + 1, **terms, "learning_rate": rate, "gradient_norm": guard.norm()}

    @torch.no_grad()
    def validate(self, images: Tensor, noise: Noise) -> Row:
        """Return the objective's terms on all validation images; every process takes them all."""
        means = Means()
        at_a_time = images_at_a_time(images.shape[1:], VALIDATION_BATCH)
        chunks = torch.arange(len(images), device=images.device).split(at_a_time)
        for batch in batches(images, chunks, self.device):
            seen = self.see(batch, noise)
            with self.autocast():
                means.add(self.objective.terms(self.result, seen, batch, noise))
        return {f"validation_{name}": mean for name, mean in means.values(ALONE).items()}

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
