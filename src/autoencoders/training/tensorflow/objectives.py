"""The objectives as Keras models with a `train_step` of their own.

Every term is one value per image, `(N,)` float32, as in `variants.objectives`; images are
`(N, H, W, C)`. `loss` is what validation selects the best weights by.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from autoencoders.param_types import PixelLoss
from autoencoders.training.tensorflow.backend import keras, tf
from autoencoders.training.tensorflow.inputs import StatelessNoise, encoder_inputs
from autoencoders.variants.inputs import Input
from autoencoders.variants.objectives.adversarial import DISCRIMINATOR, Adversarial
from autoencoders.variants.objectives.base import Objective
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational

Terms = dict[str, tf.Tensor]


class KerasObjective(keras.Model):
    """What `fit` trains: networks, and what one update of them is.

    `terms` and `update` are as those of `variants.objectives.Objective`, whose settings it has. A
    batch is its number, which decides what noise is drawn, and its images.
    """

    term_names: ClassVar[tuple[str, ...]] = ("loss", "mse")

    def __init__(
        self,
        objective: Objective,
        networks: dict[str, keras.Model],
        input: Input,
        seed: int,
        purpose: str,
    ) -> None:
        super().__init__()
        self.objective: Any = objective
        self.networks = networks
        self.encoder, self.decoder = networks["encoder"], networks["decoder"]
        self.encoder_inputs = partial(encoder_inputs, input)
        self.seed = seed
        self.purpose = purpose
        self.means = [keras.metrics.Mean(name) for name in self.term_names]
        self.squared_norm = keras.metrics.Mean("squared_norm")  # of all gradients of a step
        self.built = True

    @property
    def variable_groups(self) -> dict[str, list[Any]]:
        """Return what each step of an update moves."""
        return {"model": self.trainable_variables}

    def compile(self, optimizers: Mapping[str, keras.optimizers.Optimizer]) -> None:
        """Take the optimiser of each step; without XLA, which is not to be had deterministic."""
        super().compile(jit_compile=False)
        self.optimizers = optimizers
        for step, weights in self.variable_groups.items():
            optimizers[step].build(weights)

    def call(self, seen: tf.Tensor) -> tf.Tensor:
        """Return the logits of the reconstruction."""
        return self.decoder(self.encoder(seen))

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return the loss terms of a batch."""
        raise NotImplementedError

    def update(self, seen: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Take one step down the loss, and return the terms."""
        with tf.GradientTape() as tape:
            terms = self.terms(seen, images, noise)
            loss = tf.reduce_mean(terms["loss"])
        self.take_step("model", loss, tape)
        return terms

    def take_step(self, step: str, loss: tf.Tensor, tape: tf.GradientTape) -> None:
        """Move the weights of a step down the gradient of its loss."""
        gradients = tape.gradient(loss, self.variable_groups[step])
        self.optimizers[step].apply(gradients, self.variable_groups[step])
        self.squared_norm.update_state(tf.square(tf.linalg.global_norm(gradients)))

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Any]:
        """Learn from one batch; return the means of the epoch until now, and each step's loss."""
        number, images = batch
        noise = StatelessNoise(self.seed, f"{self.purpose}/draws", number)
        terms = self.update(self.encoder_inputs(images, noise), images, noise)
        losses = {
            f"of_{step}": tf.reduce_mean(terms.get(step, terms["loss"]))
            for step in self.variable_groups
        }
        return self._noted(terms) | {"squared_norm": self.squared_norm.result()} | losses

    def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Any]:
        """Measure one batch, in every epoch under the same noise."""
        number, images = batch
        noise = StatelessNoise(self.seed, f"{self.purpose}/validation", number)
        return self._noted(self.terms(self.encoder_inputs(images, noise), images, noise))

    def _noted(self, terms: Terms) -> dict[str, Any]:
        for mean in self.means:
            mean.update_state(terms[mean.name])
        return {mean.name: mean.result() for mean in self.means}


class KerasReconstruction(KerasObjective):
    """Gives back the image: binary cross-entropy or squared error, the mean over pixels."""

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return `loss`, in nats or squared intensity per pixel."""
        return reconstruction(self.objective.loss, self(seen), images)


class KerasVariational(KerasObjective):
    """Maximises the evidence lower bound, one draw per image (Kingma & Welling, eq. 7 and 10)."""

    term_names = ("loss", "reconstruction", "kl", "mse")

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return `loss` = `reconstruction` + `kl`, in nats per image, the latent drawn once."""
        mean, log_variance = self.encoder(seen)
        latents = mean + noise.normal(tf.shape(mean)) * tf.exp(log_variance / 2)
        logits = self.decoder(latents)
        surprise = squared_error if self.objective.likelihood == "gaussian" else cross_entropy
        reconstruction = tf.reduce_sum(surprise(logits, images), 1)
        kl = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), axis=1)
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "mse": tf.reduce_mean(squared_error(logits, images), 1),
        }


class KerasAdversarial(KerasObjective):
    """Reconstructs, with codes that a discriminator cannot tell from draws of the prior.

    Makhzani et al., arXiv 1511.05644, section 2.
    """

    term_names = ("loss", "mse", "discriminator", "generator")

    @property
    def variable_groups(self) -> dict[str, list[Any]]:
        """Return what the three steps move; the encoder is in two of them."""
        return {
            "autoencoder": self.encoder.trainable_variables + self.decoder.trainable_variables,
            DISCRIMINATOR: self.networks[DISCRIMINATOR].trainable_variables,
            "generator": self.encoder.trainable_variables,
        }

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return `loss`, the reconstruction's in nats per pixel, and both sides of the game."""
        codes = self.encoder(seen)
        return (
            reconstruction("bce", self.decoder(codes), images)
            | self._of_discriminator(codes, noise)
            | self._of_generator(codes)
        )

    def update(self, seen: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Take the three steps, each with what the steps before it have changed."""
        with tf.GradientTape() as tape:
            reconstructed = reconstruction("bce", self(seen), images)
            loss = tf.reduce_mean(reconstructed["loss"])
        self.take_step("autoencoder", loss, tape)
        with tf.GradientTape() as tape:
            codes = self.encoder(seen)  # one forward serves both steps that are left
            with tape.stop_recording():
                with tf.GradientTape() as own:
                    discriminator = self._of_discriminator(codes, noise)
                    loss = tf.reduce_mean(discriminator[DISCRIMINATOR])
                self.take_step(DISCRIMINATOR, loss, own)
            generator = self._of_generator(codes)
            loss = tf.reduce_mean(generator["generator"])
        self.take_step("generator", loss, tape)
        return reconstructed | discriminator | generator

    def _of_discriminator(self, codes: tf.Tensor, noise: StatelessNoise) -> Terms:
        real = self._logits(noise.normal(tf.shape(codes)))
        return {DISCRIMINATOR: tf.nn.softplus(-real) + tf.nn.softplus(self._logits(codes))}

    def _of_generator(self, codes: tf.Tensor) -> Terms:
        return {"generator": tf.nn.softplus(-self._logits(codes))}

    def _logits(self, codes: tf.Tensor) -> tf.Tensor:
        return self.networks[DISCRIMINATOR](codes)[:, 0]


def reconstruction(loss: PixelLoss, logits: tf.Tensor, images: tf.Tensor) -> Terms:
    """Return `loss`, in nats or squared intensity per pixel, and `mse`."""
    distance = cross_entropy if loss == "bce" else squared_error
    return {
        "loss": tf.reduce_mean(distance(logits, images), 1),
        "mse": tf.reduce_mean(squared_error(logits, images), 1),
    }


def cross_entropy(logits: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Return the binary cross-entropy of every pixel in nats, `(N, H·W·C)`."""
    return _flat(tf.nn.sigmoid_cross_entropy_with_logits(labels=images, logits=logits))


def squared_error(logits: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Return the squared error of every pixel, `(N, H·W·C)`."""
    return _flat(tf.square(tf.sigmoid(logits) - images))


def _flat(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, (tf.shape(values)[0], -1))


KERAS_OBJECTIVES: dict[type, Callable[..., KerasObjective]] = {
    Reconstruction: KerasReconstruction,
    Variational: KerasVariational,
    Adversarial: KerasAdversarial,
}
