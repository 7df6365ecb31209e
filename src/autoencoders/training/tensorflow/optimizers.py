"""Keras optimisers with the updates of `training.optimizers`; weights have any shape."""

from collections.abc import Callable
from math import prod
from typing import Any

from autoencoders.training.tensorflow.backend import keras, tf


class _BiasCorrected:
    """Add ε after Adam's bias correction (Kingma & Ba, algorithm 1); Keras adds it before."""

    iterations: Any

    @property
    def epsilon(self) -> tf.Tensor:
        """Return the scalar ε before the correction that has the same effect as ε after it."""
        step = tf.cast(self.iterations + 1, tf.float32)
        return self.eps * tf.sqrt(1 - tf.pow(0.999, step))

    @epsilon.setter
    def epsilon(self, eps: float) -> None:
        self.eps = eps


class Adam(_BiasCorrected, keras.optimizers.Adam):
    """Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1)."""


class RMSprop(keras.optimizers.RMSprop):
    """RMSprop (Hinton's lecture 6e) with ε outside the root; Keras adds it inside."""

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Update one weight of any shape."""
        square = self._velocities[self._get_variable_index(variable)]
        square.assign_add((tf.square(gradient) - square) * (1 - self.rho))
        variable.assign_sub(learning_rate * gradient / (tf.sqrt(square) + self.epsilon))


class KerasMuon(_BiasCorrected, keras.optimizers.Muon):
    """Muon (Jordan et al. 2024) for kernels, as matrices `(inputs, outputs)`; Adam for biases.

    The Muon of Keras accepts only matrices, and its scale of updates differs from `training.muon`.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) < 2

    def zeropower_via_newtonschulz5(self, x: tf.Tensor, steps: int) -> tf.Tensor:
        """Return approximately the closest semi-orthogonal matrix, in the shape of `x`."""
        mean = x * (1 - self.momentum)  # Keras sums gradients; our ε is relative to a mean
        matrix = tf.reshape(mean, (-1, x.shape[-1]))
        return tf.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)

    def lr_adjust(self, x: tf.Tensor) -> tf.Tensor:
        """Return an update `x`, scaled by the shape of its kernel."""
        return x * max(1.0, x.shape[-1] / prod(x.shape[:-1])) ** 0.5


def adam(lr: float, eps: float, beta1: float) -> keras.optimizers.Optimizer:
    """Return Adam."""
    return Adam(lr, beta_1=beta1, epsilon=eps)


def rmsprop(lr: float, eps: float) -> keras.optimizers.Optimizer:
    """Return RMSprop with PyTorch's smoothing constant of 0.99."""
    return RMSprop(lr, rho=0.99, epsilon=eps)


def muon(lr: float, adam_lr: float, momentum: float, eps: float) -> keras.optimizers.Optimizer:
    """Return Muon for kernels and Adam for biases with a fixed ratio of their rates."""
    return KerasMuon(
        lr,
        adam_lr_ratio=adam_lr / lr,
        momentum=momentum,
        epsilon=eps,
        weight_decay=None,
        adam_weight_decay=None,
    )


OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": adam,
    "rmsprop": rmsprop,
    "muon": muon,
}
