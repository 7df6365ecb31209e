"""The objectives as Keras models with custom training steps.

As in `variants.objectives`, a term is one value per image, `(N,)` float32, and the validation
`loss` selects the best weights.
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
    """A Keras model of networks that `fit` trains with the updates of an objective.

    `terms` and `update` correspond to those of `variants.objectives.Objective`. A batch consists of
    its number, which seeds the noise, and of images `(N, H, W, C)`, float32 in [0, 1]. `inputs` are
    the encoder inputs `(N, H', W', C)`. Terms are `(N,)`.
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
        """Return the weights that each step of an update changes."""
        return {"model": self.trainable_variables}

    def compile(self, optimizers: Mapping[str, keras.optimizers.Optimizer]) -> None:
        """Set the optimiser of each step; without XLA, because XLA is not deterministic."""
        super().compile(jit_compile=False)
        self.optimizers = optimizers
        for step, weights in self.variable_groups.items():
            optimizers[step].build(weights)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the logits of the reconstructions, `(N, H, W, C)`."""
        return self.decoder(self.encoder(inputs))

    def terms(self, inputs: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return the loss terms of a batch, each `(N,)`."""
        raise NotImplementedError

    def update(self, inputs: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Take one gradient step on the loss, and return the terms."""
        with tf.GradientTape() as tape:
            terms = self.terms(inputs, images, noise)
            loss = tf.reduce_mean(terms["loss"])
        self.take_step("model", loss, tape)
        return terms

    def take_step(self, step: str, loss: tf.Tensor, tape: tf.GradientTape) -> None:
        """Change the weights of a step by the gradient of its scalar loss."""
        gradients = tape.gradient(loss, self.variable_groups[step])
        self.optimizers[step].apply(gradients, self.variable_groups[step])
        self.squared_norm.update_state(tf.square(tf.linalg.global_norm(gradients)))

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Any]:
        """Train on one batch; return the means until now and the loss of each step, scalars."""
        number, images = batch
        noise = StatelessNoise(self.seed, f"{self.purpose}/draws", number)
        terms = self.update(self.encoder_inputs(images, noise), images, noise)
        losses = {
            f"{step}_loss": tf.reduce_mean(terms.get(step, terms["loss"]))
            for step in self.variable_groups
        }
        return self._update_means(terms) | {"squared_norm": self.squared_norm.result()} | losses

    def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Any]:
        """Evaluate one batch, with the same noise in every epoch; return the means until now."""
        number, images = batch
        noise = StatelessNoise(self.seed, f"{self.purpose}/validation", number)
        return self._update_means(self.terms(self.encoder_inputs(images, noise), images, noise))

    def _update_means(self, terms: Terms) -> dict[str, Any]:
        for mean in self.means:
            mean.update_state(terms[mean.name])
        return {mean.name: mean.result() for mean in self.means}


class KerasReconstruction(KerasObjective):
    """Minimise the binary cross-entropy or the squared error, as the mean over pixels."""

    def terms(self, inputs: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return `loss`, in nats or squared intensity per pixel, and `mse`, each `(N,)`."""
        return reconstruction(self.objective.loss, self(inputs), images)


class KerasVariational(KerasObjective):
    """Maximise the evidence lower bound, one draw per image (Kingma & Welling, eq. 7 and 10)."""

    term_names = ("loss", "reconstruction", "kl", "mse")

    def terms(self, inputs: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return `loss` = `reconstruction` + `kl`, in nats per image, and `mse`, each `(N,)`."""
        mean, log_variance = self.encoder(inputs)
        latents = mean + noise.normal(tf.shape(mean)) * tf.exp(log_variance / 2)
        logits = self.decoder(latents)
        pixel_loss = squared_error if self.objective.likelihood == "gaussian" else cross_entropy
        reconstruction = tf.reduce_sum(pixel_loss(logits, images), 1)
        kl = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), axis=1)
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "mse": tf.reduce_mean(squared_error(logits, images), 1),
        }


class KerasAdversarial(KerasObjective):
    """Train codes that a discriminator cannot distinguish from samples of the prior.

    Makhzani et al., arXiv 1511.05644, section 2.
    """

    term_names = ("loss", "mse", "discriminator", "generator")

    @property
    def variable_groups(self) -> dict[str, list[Any]]:
        """Return the weights of each step; the encoder is in two of the three."""
        groups = {
            "autoencoder": self.encoder.trainable_variables + self.decoder.trainable_variables,
            DISCRIMINATOR: self.networks[DISCRIMINATOR].trainable_variables,
            "generator": self.encoder.trainable_variables,
        }
        return {step: groups[step] for step in self.objective.steps}

    def terms(self, inputs: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Return `loss` in nats per pixel, `mse`, and the losses of both adversaries, `(N,)`."""
        codes = self.encoder(inputs)
        return (
            reconstruction("bce", self.decoder(codes), images)
            | self._discriminator_terms(codes, noise)
            | self._generator_terms(codes)
        )

    def update(self, inputs: tf.Tensor, images: tf.Tensor, noise: StatelessNoise) -> Terms:
        """Take the steps, each after the update of the step before; return terms `(N,)`."""
        if self.objective.generator_weight is not None:
            return self._update_together(inputs, images, noise)
        with tf.GradientTape() as tape:
            reconstructed = reconstruction("bce", self(inputs), images)
            loss = tf.reduce_mean(reconstructed["loss"])
        self.take_step("autoencoder", loss, tape)
        with tf.GradientTape() as tape:
            codes = self.encoder(inputs)  # both remaining steps use this forward pass
            with tape.stop_recording():
                with tf.GradientTape() as inner:
                    discriminator = self._discriminator_terms(codes, noise)
                    loss = tf.reduce_mean(discriminator[DISCRIMINATOR])
                self.take_step(DISCRIMINATOR, loss, inner)
            generator = self._generator_terms(codes)
            loss = tf.reduce_mean(generator["generator"])
        self.take_step("generator", loss, tape)
        return reconstructed | discriminator | generator

    def _update_together(
        self, inputs: tf.Tensor, images: tf.Tensor, noise: StatelessNoise
    ) -> Terms:
        with tf.GradientTape() as tape:
            codes = self.encoder(inputs)
            terms = reconstruction("bce", self.decoder(codes), images)
            generator = self._generator_terms(codes)
            total = terms["loss"] + self.objective.generator_weight * generator["generator"]
            loss = tf.reduce_mean(total)
        self.take_step("autoencoder", loss, tape)
        with tf.GradientTape() as tape:
            discriminator = self._discriminator_terms(codes, noise)
            loss = tf.reduce_mean(discriminator[DISCRIMINATOR])
        self.take_step(DISCRIMINATOR, loss, tape)
        return terms | discriminator | generator

    def _discriminator_terms(self, codes: tf.Tensor, noise: StatelessNoise) -> Terms:
        real = self._logits(noise.normal(tf.shape(codes)))
        return {DISCRIMINATOR: tf.nn.softplus(-real) + tf.nn.softplus(self._logits(codes))}

    def _generator_terms(self, codes: tf.Tensor) -> Terms:
        return {"generator": tf.nn.softplus(-self._logits(codes))}

    def _logits(self, codes: tf.Tensor) -> tf.Tensor:
        return self.networks[DISCRIMINATOR](codes)[:, 0]


def reconstruction(loss: PixelLoss, logits: tf.Tensor, images: tf.Tensor) -> Terms:
    """Return `loss`, in nats or squared intensity per pixel, and `mse`, each `(N,)`."""
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
