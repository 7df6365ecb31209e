"""The optimisers and schedules of `training.optimizers` in Keras, by the same names.

Keras has all three, and each is another update. Its Adam adds ε before the bias is corrected, its
RMSprop under the root; its Muon scales updates otherwise, and takes kernels for stacks of matrices.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from autoencoders.training.muon import COEFFICIENTS
from autoencoders.training.schedules import Schedule
from autoencoders.training.tensorflow.backend import keras, tf


class Table(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate for each step, in a table."""

    def __init__(self, rates: np.ndarray) -> None:
        self.rates = tf.constant(rates, tf.float32)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the rate of `step`, that of the last step after it."""
        return tf.gather(self.rates, tf.minimum(tf.cast(step, tf.int32), len(self.rates) - 1))

    def get_config(self) -> dict[str, Any]:
        """Return the rates."""
        return {"rates": self.rates.numpy().tolist()}


def rates(lr: float, schedule: Schedule, steps: int) -> Table:
    """Return what a schedule makes of the rate `lr` over a training of so many steps."""
    return Table(np.array([lr * schedule(step / steps) for step in range(steps)]))


class _WithMoments(keras.optimizers.Optimizer):
    """An optimiser that keeps numbers of the shape of each weight, under these names."""

    names: tuple[str, ...] = ()

    def __init__(self, learning_rate: Table) -> None:
        super().__init__(learning_rate)
        self.kept: dict[str, list[Any]] = {name: [] for name in self.names}

    def build(self, variables: list[Any]) -> None:
        """Start everything at zero."""
        if self.built:
            return
        super().build(variables)
        for name, kept in self.kept.items():
            kept += [self.add_variable_from_reference(variable, name) for variable in variables]

    def of(self, name: str, variable: Any) -> Any:
        """Return what is kept of a weight."""
        return self.kept[name][self._get_variable_index(variable)]


class Adam(_WithMoments):
    """Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1)."""

    names = ("mean", "square")

    def __init__(self, learning_rate: Table, eps: float) -> None:
        super().__init__(learning_rate)
        self.eps = eps

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one weight."""
        step = tf.cast(self.iterations + 1, variable.dtype)
        mean, square = self.of("mean", variable), self.of("square", variable)
        mean.assign_add((gradient - mean) * (1 - 0.9))
        square.assign_add((tf.square(gradient) - square) * (1 - 0.999))
        corrected = tf.sqrt(square / (1 - tf.pow(0.999, step)))
        rate = learning_rate / (1 - tf.pow(0.9, step))
        variable.assign_sub(rate * mean / (corrected + self.eps))


class RMSprop(_WithMoments):
    """RMSprop (Hinton's lecture 6e), with PyTorch's smoothing of 0.99."""

    names = ("square",)

    def __init__(self, learning_rate: Table, eps: float) -> None:
        super().__init__(learning_rate)
        self.eps = eps

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one weight."""
        square = self.of("square", variable)
        square.assign_add((tf.square(gradient) - square) * (1 - 0.99))
        variable.assign_sub(learning_rate * gradient / (tf.sqrt(square) + self.eps))


class Muon(_WithMoments):
    """Muon (Jordan et al. 2024) for kernels, as matrices of outputs × all else."""

    names = ("momentum",)

    def __init__(self, learning_rate: Table, momentum: float) -> None:
        super().__init__(learning_rate)
        self.momentum = momentum

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one kernel."""
        momentum = self.of("momentum", variable)
        momentum.assign_add((gradient - momentum) * (1 - self.momentum))
        direction = gradient + (momentum - gradient) * self.momentum
        columns = variable.shape[-1]  # the last axis of a kernel in Keras has its outputs
        matrix = tf.reshape(direction, (-1, columns))
        scale = max(1.0, columns / matrix.shape[0]) ** 0.5
        update = tf.reshape(orthogonalise(matrix), variable.shape)
        variable.assign_sub(learning_rate * scale * update)


def orthogonalise(matrix: tf.Tensor, iterations: int = 5) -> tf.Tensor:
    """Return nearly the closest semi-orthogonal matrix, as `training.muon.orthogonalise` does."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = tf.transpose(matrix) if tall else matrix
    x = x / (tf.norm(x) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(iterations):
        gram = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * gram + c * tf.matmul(gram, gram), x)
    return tf.transpose(x) if tall else x


Mover = tuple[keras.optimizers.Optimizer, list[Any]]  # an optimiser and the weights that it moves
Rates = Callable[[float], Table]  # what the schedule makes of a rate


def adam(variables: list[Any], rates: Rates, lr: float, eps: float) -> list[Mover]:
    """Return Adam for all weights."""
    return [(Adam(rates(lr), eps), variables)]


def rmsprop(variables: list[Any], rates: Rates, lr: float, eps: float) -> list[Mover]:
    """Return RMSprop for all weights."""
    return [(RMSprop(rates(lr), eps), variables)]


def muon(
    variables: list[Any],
    rates: Rates,
    lr: float,
    adam_lr: float,
    momentum: float,
    eps: float,
) -> list[Mover]:
    """Return Muon for kernels and Adam for biases."""
    kernels = [variable for variable in variables if len(variable.shape) >= 2]
    biases = [variable for variable in variables if len(variable.shape) < 2]
    return [(Muon(rates(lr), momentum), kernels), (Adam(rates(adam_lr), eps), biases)]


OPTIMIZERS: dict[str, Callable[..., list[Mover]]] = {
    "adam": adam,
    "rmsprop": rmsprop,
    "muon": muon,
}
