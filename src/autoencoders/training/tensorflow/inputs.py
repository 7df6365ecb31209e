"""Encoder inputs in TensorFlow, from images `(N, H, W, C)` float32 in [0, 1], and random noise."""

from collections.abc import Sequence

from autoencoders.randomness import derived_seed
from autoencoders.training.tensorflow.backend import tf
from autoencoders.variants.inputs import Downsampled, Input, Noisy, NoisyDownsampled


class StatelessNoise:
    """Random numbers that depend on a seed, a purpose, the step and the earlier draws in it."""

    def __init__(self, seed: int, name: str, step: tf.Tensor) -> None:
        self.seed = seed
        self.name = name
        self.step = tf.cast(step, tf.int64)
        self.drawn = 0

    def normal(self, shape: Sequence[int] | tf.Tensor) -> tf.Tensor:
        """Return standard normal numbers of `shape`, such as `(N, H, W, C)`, float32."""
        return tf.random.stateless_normal(shape, self._key())

    def uniform(self, shape: Sequence[int] | tf.Tensor) -> tf.Tensor:
        """Return numbers of `shape`, such as `(N, 1, 1, 1)`, uniform in [0, 1), float32."""
        return tf.random.stateless_uniform(shape, self._key())

    def _key(self) -> tf.Tensor:
        self.drawn += 1
        key = derived_seed(self.seed, f"{self.name}/{self.drawn}")
        return tf.stack([tf.constant(key, tf.int64), self.step])


def encoder_inputs(input: Input, images: tf.Tensor, noise: StatelessNoise) -> tf.Tensor:
    """Apply `input` to images `(N, H, W, C)`; return `(N, H, W, C)`, as in PyTorch."""
    if isinstance(input, Downsampled):
        images = _reduced(input, images)
    if isinstance(input, Noisy | NoisyDownsampled):
        deviation = input.std
        if isinstance(deviation, list):
            low, high = deviation
            deviation = low + noise.uniform((tf.shape(images)[0], 1, 1, 1)) * (high - low)
        images = images + noise.normal(tf.shape(images)) * deviation + input.mean
        if not isinstance(input, Noisy) or input.clamp:
            images = tf.clip_by_value(images, 0, 1)
    return images


def _reduced(input: Downsampled, images: tf.Tensor) -> tf.Tensor:
    if input.reduction == "average":
        return tf.nn.avg_pool2d(images, input.factor, input.factor, "VALID")
    size = [length // input.factor for length in images.shape[1:3]]
    reduced = tf.image.resize(images, size, input.reduction, antialias=True)
    return tf.clip_by_value(reduced, 0, 1)
