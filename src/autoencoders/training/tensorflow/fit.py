"""Training by Keras' `fit`: what `training.loop.fit` does, and with the same result."""

import math
import time
from collections.abc import Iterator
from functools import partial
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
from autoencoders.training.tensorflow.networks import NETWORKS
from autoencoders.training.tensorflow.objectives import LEARNERS, Learner
from autoencoders.training.tensorflow.optimizers import OPTIMIZERS, Mover, rates
from autoencoders.training.watch import diverged
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
    steps = steps_per_epoch(len(train_images), training.batch_size)
    learner = learner_of(assembled, seed, name, bfloat16=in_bfloat16(training.precision, CPU))
    weights.take(learner.models, assembled.networks.state_dict())
    learner.compile(optimizers(training, steps * training.epochs))
    keeper = Keeper(training, steps, len(train_images), progress, checkpoint)
    keeper.set_model(learner)
    keeper.restore()
    record = keeper.record
    progress.begin(training.epochs, steps, len(record.history))
    order = randomness.generator(seed, f"{name}/order")
    epochs = partial(
        shuffled_epochs, len(train_images), training, order, skipped=len(record.history)
    )
    if not record.finished(training):
        learner.fit(
            batches(epochs, train_images),
            initial_epoch=len(record.history),
            epochs=training.epochs,
            steps_per_epoch=steps,
            validation_data=validated(validation_images),
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
    networks = NETWORKS[type(assembled.model)](assembled.model, assembled.input_shape)
    objective, see = assembled.objective, twin(assembled.input)
    return LEARNERS[type(objective)](objective, networks, see, seed, name)


def optimizers(training: Training, steps: int) -> dict[str, Any]:
    """Return what makes the optimisers of each step, for a training of so many steps."""
    schedule = training.schedule.build()

    def build(step: str, variables: list[Any]) -> list[Mover]:
        chosen = training.optimizers[step].model_dump()
        make = OPTIMIZERS[chosen.pop("kind")]
        return make(variables, lambda lr: rates(lr, schedule, steps), **chosen)

    return {step: partial(build, step) for step in training.optimizers}


def shuffled_epochs(
    count: int, training: Training, order: torch.Generator, skipped: int
) -> Iterator[torch.Tensor]:
    """Yield the indices of batch after batch, for as many epochs as are asked for."""
    for epoch in range(training.epochs):
        epochs_batches = shuffled(count, training.batch_size, order)
        if epoch >= skipped:
            yield from epochs_batches


def validated(images: torch.Tensor) -> tf.data.Dataset:
    """Return all images in order, as many at a time as are validated together.

    Keras, which cannot count what a generator yields, warns where it is not told.
    """
    at_a_time = images_at_a_time(images.shape[1:], VALIDATION_BATCH)
    chunks = torch.arange(len(images)).split(at_a_time)
    counted = tf.data.experimental.assert_cardinality(len(chunks))
    return batches(lambda: iter(chunks), images).apply(counted)


def batches(indices: Any, images: torch.Tensor) -> tf.data.Dataset:
    """Return the images at each of `indices()`, `(N, H, W, C)` float32 in [0, 1].

    Images are uint8 `(N, C, H, W)`; only those of a batch are read.
    """
    channels, height, width = images.shape[1:]

    def read() -> Iterator[np.ndarray]:
        for chunk in indices():
            yield images[chunk].numpy()

    packed = tf.TensorSpec((None, channels, height, width), tf.uint8)
    return (
        tf.data.Dataset.from_generator(read, output_signature=packed)
        .map(lambda x: tf.transpose(tf.cast(x, tf.float32) / 255, (0, 2, 3, 1)))
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
        self.started = 0.0

    @property
    def variables(self) -> list[Any]:
        """Return all that changes while training."""
        movers = [mover for group in self.model.movers.values() for mover in group]
        own = [variable for optimizer, _ in movers for variable in optimizer.variables]
        return [*self.model.variables, *own]

    def restore(self) -> None:
        """Go back to the checkpoint, where there is one."""
        saved = checkpoints.load(self.checkpoint, CPU) if self.checkpoint else None
        if saved is None:
            return
        for variable, value in zip(self.variables, saved["variables"], strict=True):
            variable.assign(value.numpy())
        self.record = Record(saved["history"], saved["best"])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell that one batch is done, and stop at the first loss that is not sound."""
        sound, losses = int(self.model.sound), int(self.model.taken)
        if sound < losses:
            step = sound // len(self.model.movers) + 1
            raise diverged(step, len(self.record.history), self.checkpoint)
        self.progress.step()

    def on_test_begin(self, logs: Any = None) -> None:
        """Let validation see the noise that it always sees."""
        self.model.validated.assign(0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add a line to the history, and keep the weights where they are the best so far."""
        row = self._row(epoch, logs)
        if not math.isfinite(row["validation_loss"]):
            raise diverged((epoch + 1) * self.steps, epoch, self.checkpoint)
        self.record.note(row, weights.give(self.model.models))
        if self.checkpoint:
            variables = [torch.from_numpy(np.array(v.numpy())) for v in self.variables]
            state = {"variables": variables, **vars(self.record)}
            checkpoints.save(self.checkpoint, state)
        self.progress.epoch(row, self.images / (time.perf_counter() - self.started))
        self.model.stop_training = self.record.finished(self.training)

    def _row(self, epoch: int, logs: dict[str, float]) -> Row:
        names = self.model.term_names
        optimizer, _ = next(iter(self.model.movers.values()))[0]
        rate = optimizer._learning_rate(optimizer.iterations - 1)
        per_update = len(self.model.movers)
        return {
            "epoch": epoch + 1,
            **{f"train_{name}": float(logs[name]) for name in names},
            "learning_rate": float(rate),
            "gradient_norm": math.sqrt(per_update * float(logs["squared_norm"])),
            **{f"validation_{name}": float(logs[f"val_{name}"]) for name in names},
        }
