"""Training by Keras' `fit`: what `training.loop.fit` does, and with the same result."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autoencoders import randomness
from autoencoders.data.batches import images_at_a_time, shuffled, steps_per_epoch
from autoencoders.errors import UserError
from autoencoders.training import checkpoints
from autoencoders.training.loop import VALIDATION_BATCH, in_bfloat16
from autoencoders.training.parallel import ALONE, Processes
from autoencoders.training.record import Progress, Record, Row
from autoencoders.training.settings import Training
from autoencoders.training.tensorflow import weights
from autoencoders.training.tensorflow.backend import keras, tf
from autoencoders.training.tensorflow.inputs import twin
from autoencoders.training.tensorflow.networks import twins
from autoencoders.training.tensorflow.objectives import LEARNERS, Learner
from autoencoders.training.tensorflow.optimizers import OPTIMIZERS
from autoencoders.training.watch import EXPLODED, diverged
from autoencoders.variants.assembly import Assembled

CPU = torch.device("cpu")


def fit(
    assembled: Assembled,
    train_images: torch.Tensor,
    validation_images: torch.Tensor,
    training: Training,
    *,
    seed: int,
    name: str,
    device: torch.device,
    progress: Progress,
    checkpoint: Path | None = None,
    processes: Processes = ALONE,
) -> list[Row]:
    """Train twins of a variant's networks; leave the best epoch's weights in the networks.

    Arguments, history, randomness by name and checkpoints are those of `training.loop.fit`; the
    batches come in the same order. What noise is drawn differs, as TensorFlow's generators do.
    `device` is where PyTorch computes: TensorFlow finds its own.

    Raises:
        UserError: a loss is not finite or explodes; or there are several `processes`.
    """
    if processes.count > 1:
        raise UserError("under TensorFlow one process trains: torchrun is for framework: torch")
    count, steps = len(train_images), steps_per_epoch(len(train_images), training.batch_size)
    learner = learner_of(assembled, seed, name, bfloat16=in_bfloat16(training.precision, CPU))
    weights.take(learner.networks.values(), assembled.networks.state_dict())
    learner.compile(optimizers(training))
    keeper = Keeper(training, steps, count, progress, checkpoint)
    keeper.set_model(learner)
    keeper.restore()
    record, done = keeper.record, len(keeper.record.history)
    at_a_time = images_at_a_time(validation_images.shape[1:], VALIDATION_BATCH)
    chunks = torch.arange(len(validation_images)).split(at_a_time)

    def epochs() -> Iterator[tuple[int, torch.Tensor]]:
        order = randomness.generator(seed, f"{name}/order")
        for epoch in range(training.epochs):
            batches_of_epoch = shuffled(count, training.batch_size, order)
            if epoch >= done:
                yield from enumerate(batches_of_epoch, epoch * steps)

    progress.begin(training.epochs, steps, done)
    if not record.finished(training):
        learner.fit(
            batches(epochs, train_images),
            initial_epoch=done,
            epochs=training.epochs,
            steps_per_epoch=steps,
            validation_data=batches(lambda: cycle(enumerate(chunks)), validation_images),
            validation_steps=len(chunks),
            callbacks=[keeper],
            shuffle=False,
            verbose=0,
        )
    assembled.networks.load_state_dict(record.best["networks"])
    return record.history


def versions() -> list[str]:
    """Return the versions of what computes."""
    return [tf.__version__, keras.__version__]


def tune(threads: int) -> None:
    """Make TensorFlow compute with so many threads, and always the same; before it computes."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def learner_of(assembled: Assembled, seed: int, name: str, *, bfloat16: bool = False) -> Learner:
    """Return the Keras twin of a variant, its weights its own."""
    keras.config.set_dtype_policy("mixed_bfloat16" if bfloat16 else "float32")
    see, objective = twin(assembled.input), assembled.objective
    return LEARNERS[type(objective)](objective, twins(assembled), see, seed, name)


def optimizers(training: Training) -> dict[str, keras.optimizers.Optimizer]:
    """Return the optimiser of each step, with its full rate."""
    settings = {step: chosen.model_dump() for step, chosen in training.optimizers.items()}
    return {step: OPTIMIZERS[own.pop("kind")](**own) for step, own in settings.items()}


def set_rates(learner: Learner, training: Training, done: float) -> None:
    """Set every learning rate to what the schedule makes of it when this share is done."""
    factor = training.schedule.build()(done)
    for step, optimizer in learner.optimizers.items():
        optimizer.learning_rate = training.optimizers[step].lr * factor


def batches(
    numbered: Callable[[], Iterable[tuple[int, torch.Tensor]]], images: torch.Tensor
) -> tf.data.Dataset:
    """Return the numbers of `numbered()`, and the images at the indices beside each.

    Images are uint8 `(N, C, H, W)`, and become `(n, H, W, C)` float32 in [0, 1]; only those of a
    batch are read.
    """
    channels, height, width = images.shape[1:]

    def read() -> Iterator[tuple[int, np.ndarray]]:
        for number, chunk in numbered():
            yield number, images[chunk].numpy()

    packed = tf.TensorSpec((None, channels, height, width), tf.uint8)
    return (
        tf.data.Dataset.from_generator(read, output_signature=(tf.TensorSpec((), tf.int64), packed))
        .map(lambda n, x: (n, tf.transpose(tf.cast(x, tf.float32) / 255, (0, 2, 3, 1))))
        .prefetch(2)
    )


class Keeper(keras.callbacks.Callback):
    """Keeps history, best weights and checkpoint; tells of progress, and when it is enough."""

    def __init__(
        self,
        training: Training,
        steps: int,
        images: int,
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        super().__init__()
        self.training = training
        self.steps = steps
        self.images = images
        self.progress = progress
        self.checkpoint = checkpoint
        self.record = Record()
        self.first_losses: dict[str, float] = {}
        self.started = 0.0

    @property
    def variables(self) -> list[Any]:
        """Return all that changes while training."""
        own = [optimizer.variables for optimizer in self.model.optimizers.values()]
        return [*self.model.variables, *chain(*own)]

    def restore(self) -> None:
        """Go back to the checkpoint, where there is one."""
        saved = checkpoints.load(self.checkpoint, CPU) if self.checkpoint else None
        if saved is None:
            return
        for variable, value in zip(self.variables, saved["variables"], strict=True):
            variable.assign(value.numpy())
        self.first_losses = saved["first_losses"]
        self.record = Record(saved["history"], saved["best"])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self.started = time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the learning rates of this step."""
        done = len(self.record.history) * self.steps + batch
        set_rates(self.model, self.training, done / (self.steps * self.training.epochs))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell that one batch is done, and stop at the first loss that is not sound."""
        epoch = len(self.record.history)
        for step in self.model.groups:
            loss = float(logs[f"of_{step}"])
            limit = self.first_losses.setdefault(step, loss) * EXPLODED
            if not math.isfinite(loss) or loss > limit:
                raise diverged(epoch * self.steps + batch + 1, epoch, self.checkpoint)
        self.progress.step()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add a line to the history, and keep the weights where they are the best so far."""
        row = self._row(epoch, logs)
        if not math.isfinite(row["validation_loss"]):
            raise diverged((epoch + 1) * self.steps, epoch, self.checkpoint)
        self.record.note(row, weights.give(self.model.networks.values()))
        if self.checkpoint:
            variables = [torch.from_numpy(np.array(v.numpy())) for v in self.variables]
            own = {"variables": variables, "first_losses": self.first_losses}
            checkpoints.save(self.checkpoint, own | vars(self.record))
        self.progress.epoch(row, self.images / (time.perf_counter() - self.started))
        self.model.stop_training = self.record.finished(self.training)

    def _row(self, epoch: int, logs: dict[str, float]) -> Row:
        names, optimizers = self.model.term_names, [*self.model.optimizers.values()]
        return {
            "epoch": epoch + 1,
            **{f"train_{name}": float(logs[name]) for name in names},
            "learning_rate": float(optimizers[0].learning_rate),
            "gradient_norm": math.sqrt(len(optimizers) * float(logs["squared_norm"])),
            **{f"validation_{name}": float(logs[f"val_{name}"]) for name in names},
        }
