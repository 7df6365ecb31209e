"""What the encoder sees, in TensorFlow: images `(N, H, W, C)` float32 in [0, 1], and noise."""

from collections.abc import Callable, Sequence
from typing import Any

from autoencoders.randomness import derived_seed
from autoencoders.training.tensorflow.backend import tf
from autoencoders.variants.inputs import Clean, Downsampled, Input, Noisy, NoisyDownsampled


class Noise:
    """Draws that depend on a seed, a purpose, the step and the place in it."""

    def __init__(self, seed: int, name: str, step: tf.Tensor) -> None:
        self.seed = seed
        self.name = name
        self.step = tf.cast(step, tf.int64)
        self.drawn = 0

    def normal(self, shape: Sequence[int] | tf.Tensor) -> tf.Tensor:
        """Return `shape` standard normal draws, float32."""
        return tf.random.stateless_normal(shape, self._key())

    def uniform(self, shape: Sequence[int] | tf.Tensor) -> tf.Tensor:
        """Return `shape` draws that are uniform in [0, 1), float32."""
        return tf.random.stateless_uniform(shape, self._key())

    def _key(self) -> tf.Tensor:
        self.drawn += 1
        key = derived_seed(self.seed, f"{self.name}/{self.drawn}")
        return tf.stack([tf.constant(key, tf.int64), self.step])


Seen = Callable[[tf.Tensor, Noise], tf.Tensor]


def twin(input: Input) -> Seen:
    """Return what does to images in TensorFlow what `input` does in PyTorch."""
    return TWINS[type(input)](input)


def _clean(input: Clean) -> Seen:
    return lambda images, noise: images


def _noisy(input: Noisy) -> Seen:
    def seen(images: tf.Tensor, noise: Noise) -> tf.Tensor:
        deviation = input.std
        if isinstance(deviation, list):
            low, high = deviation
            drawn = noise.uniform((tf.shape(images)[0], 1, 1, 1))
            deviation = low + drawn * (high - low)
        noisy = images + noise.normal(tf.shape(images)) * deviation + input.mean
        return tf.clip_by_value(noisy, 0, 1) if input.clamp else noisy

    return seen


def _downsampled(input: Downsampled) -> Seen:
    def seen(images: tf.Tensor, noise: Noise) -> tf.Tensor:
        if input.reduction == "average":
            return tf.nn.avg_pool2d(images, input.factor, input.factor, "VALID")
        size = [length // input.factor for length in images.shape[1:3]]
        reduced = tf.image.resize(images, size, input.reduction, antialias=True)
        return tf.clip_by_value(reduced, 0, 1)

    return seen


def _noisy_downsampled(input: NoisyDownsampled) -> Seen:
    reduced, noisy = _downsampled(input), _noisy(Noisy(input.mean, input.std))
    return lambda images, noise: noisy(reduced(images, noise), noise)


TWINS: dict[type, Callable[[Any], Seen]] = {
    Clean: _clean,
    Noisy: _noisy,
    Downsampled: _downsampled,
    NoisyDownsampled: _noisy_downsampled,
}
