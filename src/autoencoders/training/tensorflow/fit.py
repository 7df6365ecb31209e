"""The `Learner` of TensorFlow: each epoch is a call of Keras' `fit`."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoencoders import randomness
from autoencoders.datasets.batches import images_at_a_time, shuffled_indices
from autoencoders.device import CPU
from autoencoders.errors import UserError
from autoencoders.training.history import Progress, Row
from autoencoders.training.loop import VALIDATION_BATCH, in_bfloat16
from autoencoders.training.monitoring import Guard
from autoencoders.training.parallel import SINGLE_PROCESS, Processes
from autoencoders.training.schedules import share_done
from autoencoders.training.settings import Training
from autoencoders.training.tensorflow.backend import keras, tf
from autoencoders.training.tensorflow.networks import keras_networks, load_weights, torch_weights
from autoencoders.training.tensorflow.objectives import KERAS_OBJECTIVES, KerasObjective
from autoencoders.training.tensorflow.optimizers import OPTIMIZERS
from autoencoders.variants.assembly import Assembled


class KerasLearner:
    """A variant that TensorFlow trains; see `loop.Learner` for its attributes.

    Batches have the same order as under PyTorch. Noise differs, because TensorFlow has other
    generators. PyTorch uses `device`; TensorFlow chooses its own. Images are uint8 `(N, C, H, W)`.

    Raises:
        UserError: there are several `processes`.
    """

    device = CPU
    processes = SINGLE_PROCESS

    def __init__(
        self,
        assembled: Assembled,
        training: Training,
        seed: int,
        name: str,
        device: torch.device,
        processes: Processes,
    ) -> None:
        if processes.count > 1:
            raise UserError(
                f"torchrun: found {processes.count} processes for framework: tensorflow; allowed: "
                "one process, or framework: torch"
            )
        self.assembled = assembled
        self.training = training
        self.order = randomness.generator(seed, f"{name}/order")
        bfloat16 = in_bfloat16(training.precision, CPU)
        self.model = build_objective(assembled, seed, name, bfloat16=bfloat16)
        load_weights(self.model.networks.values(), assembled.networks.state_dict())
        self.model.compile(build_optimizers(training))

    def train_epoch(self, images: Tensor, guard: Guard, progress: Progress) -> Row:
        """Run one epoch of updates; see `Learner.train_epoch`."""
        chunks = shuffled_indices(len(images), self.training.batch_size, self.order)
        result = self.model.fit(
            batches(lambda: enumerate(chunks, guard.epoch * guard.steps), images),
            steps_per_epoch=guard.steps,
            callbacks=[StepCallback(self.training, guard, progress)],
            shuffle=False,
            verbose=0,
        )
        logs = {name: float(values[-1]) for name, values in result.history.items()}
        rates = [optimizer.learning_rate for optimizer in self.model.optimizers.values()]
        return {
            **{f"train_{name}": logs[name] for name in self.model.term_names},
            "learning_rate": float(rates[0]),
            # The mean is over optimiser steps; each update has one step for each optimiser.
            "gradient_norm": math.sqrt(len(rates) * logs["squared_norm"]),
        }

    def validate(self, images: Tensor) -> Row:
        """Return the mean of each term; the noise is the same in every epoch."""
        at_a_time = images_at_a_time(images.shape[1:], VALIDATION_BATCH)
        chunks = torch.arange(len(images)).split(at_a_time)
        logs = self.model.evaluate(
            batches(lambda: enumerate(chunks), images),
            steps=len(chunks),
            return_dict=True,
            verbose=0,
        )
        return {f"validation_{name}": float(logs[name]) for name in self.model.term_names}

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights in the layout of PyTorch."""
        return torch_weights(self.model.networks.values())

    def state(self) -> dict[str, Any]:
        """Return the state from which `restore` continues the training with the same results."""
        variables = [torch.from_numpy(np.array(v.numpy())) for v in self._variables()]
        return {"variables": variables, "order": self.order.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state that `state` has returned."""
        for variable, value in zip(self._variables(), state["variables"], strict=True):
            variable.assign(value.numpy())
        self.order.set_state(state["order"])

    def _variables(self) -> list[Any]:
        optimizers = self.model.optimizers.values()
        return [
            *self.model.variables,
            *(v for optimizer in optimizers for v in optimizer.variables),
        ]


class StepCallback(keras.callbacks.Callback):
    """Set the learning rates of each step, report progress, and stop at the first invalid loss."""

    def __init__(self, training: Training, guard: Guard, progress: Progress) -> None:
        super().__init__()
        self.training = training
        self.factor = training.schedule.build()
        self.guard = guard
        self.progress = progress

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the learning rates."""
        done = share_done(self.guard.epoch, batch, self.guard.steps, self.training.epochs)
        set_rates(self.model, self.training, self.factor(done))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Check the losses of one batch, and report its end."""
        for step in self.model.variable_groups:
            self.guard.check_loss(step, torch.tensor(float(logs[f"{step}_loss"])))
        self.progress.step()


def configure(threads: int) -> list[str]:
    """Set the threads of TensorFlow, make it deterministic, and return library versions.

    Call this function before TensorFlow computes anything.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    return [tf.__version__, keras.__version__]


def build_objective(
    assembled: Assembled, seed: int, name: str, *, bfloat16: bool = False
) -> KerasObjective:
    """Return the Keras model that trains a variant, with random weights."""
    keras.config.set_dtype_policy("mixed_bfloat16" if bfloat16 else "float32")
    objective = assembled.objective
    return KERAS_OBJECTIVES[type(objective)](
        objective, keras_networks(assembled), assembled.input, seed, name
    )


def build_optimizers(training: Training) -> dict[str, keras.optimizers.Optimizer]:
    """Return the optimiser of each step, with its full learning rate."""
    settings = {step: setting.model_dump() for step, setting in training.optimizers.items()}
    return {step: OPTIMIZERS[args.pop("kind")](**args) for step, args in settings.items()}


def set_rates(model: KerasObjective, training: Training, factor: float) -> None:
    """Set every learning rate to `factor` times its full value."""
    for step, optimizer in model.optimizers.items():
        optimizer.learning_rate = training.optimizers[step].model_dump()["lr"] * factor


def batches(chunks: Callable[[], Iterable[tuple[int, Tensor]]], images: Tensor) -> tf.data.Dataset:
    """Return batches of images, float32 `(n, H, W, C)` in [0, 1], each with its number.

    `chunks()` gives numbers and indices `(n,)` into `images`, uint8 `(N, C, H, W)`. Only the images
    of a batch are read.
    """
    channels, height, width = images.shape[1:]

    def read() -> Iterator[tuple[int, np.ndarray]]:
        for number, chunk in chunks():
            yield number, images[chunk].numpy()

    packed = tf.TensorSpec((None, channels, height, width), tf.uint8)
    return (
        tf.data.Dataset.from_generator(read, output_signature=(tf.TensorSpec((), tf.int64), packed))
        .map(lambda n, x: (n, tf.transpose(tf.cast(x, tf.float32) / 255, (0, 2, 3, 1))))
        .prefetch(2)
    )
