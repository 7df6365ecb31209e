"""The objectives as Keras models with a `train_step` of their own.

Every term is one value per image, `(N,)` float32, as in `variants.objectives`; images are
`(N, H, W, C)`. `loss` is what validation selects the best weights by.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from autoencoders.training.tensorflow import networks
from autoencoders.training.tensorflow.backend import keras, tf
from autoencoders.training.tensorflow.inputs import Noise, Seen
from autoencoders.training.tensorflow.optimizers import Mover
from autoencoders.training.watch import EXPLODED
from autoencoders.variants.objectives.adversarial import DISCRIMINATOR, Adversarial
from autoencoders.variants.objectives.base import Objective
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational

Terms = dict[str, tf.Tensor]
Build = Callable[[list[Any]], list[Mover]]  # from weights to what moves them


class Learner(keras.Model):
    """What `fit` trains: a network, and what one update of it is.

    `terms` and `update` are as those of `variants.objectives.Objective`, whose settings it has.
    """

    term_names: ClassVar[tuple[str, ...]] = ("loss", "mse")

    def __init__(
        self, objective: Objective, twin: networks.Twin, see: Seen, seed: int, purpose: str
    ) -> None:
        super().__init__()
        self.objective: Any = objective
        self.encoder, self.decoder = twin.encoder, twin.decoder
        self.see = see
        self.seed = seed
        self.purpose = purpose
        self.means = [keras.metrics.Mean(name) for name in self.term_names]
        self.squared_norm = keras.metrics.Mean("squared_norm")  # of all gradients of an update
        self.batches = self._number("batches", "int64")
        self.validated = self._number("validated", "int64")
        self.taken = self._number("taken", "int64")
        self.sound = self._number("sound", "int64")
        self.first_losses = {step: self._number(f"first_{step}") for step in objective.steps}
        self.built = True

    def _number(self, name: str, dtype: str = "float32") -> Any:
        return self.add_weight(shape=(), dtype=dtype, trainable=False, name=name)

    @property
    def models(self) -> list[keras.Model]:
        """Return the networks whose weights are trained."""
        return [self.encoder, self.decoder]

    @property
    def groups(self) -> dict[str, list[Any]]:
        """Return what each step of an update moves."""
        return {"model": self.trainable_variables}

    def compile(self, builds: Mapping[str, Build]) -> None:
        """Take the optimisers of each step; without XLA, which is not to be had deterministic."""
        super().compile(jit_compile=False)
        self.movers = {step: builds[step](weights) for step, weights in self.groups.items()}
        for movers in self.movers.values():
            for optimizer, weights in movers:
                optimizer.build(weights)

    def call(self, seen: tf.Tensor) -> tf.Tensor:
        """Return the logits of the reconstruction."""
        return self.decode(self.encoder(seen))

    def decode(self, latents: tf.Tensor) -> tf.Tensor:
        """Return logits in float32, whatever the network computes in."""
        return tf.cast(self.decoder(latents), tf.float32)

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: Noise) -> Terms:
        """Return the loss terms of a batch."""
        raise NotImplementedError

    def update(self, seen: tf.Tensor, images: tf.Tensor, noise: Noise) -> Terms:
        """Take one step down the loss, and return the terms."""
        with tf.GradientTape() as tape:
            terms = self.terms(seen, images, noise)
            loss = tf.reduce_mean(terms["loss"])
        self.move("model", loss, tape)
        return terms

    def move(self, step: str, loss: tf.Tensor, tape: tf.GradientTape) -> None:
        """Move the weights of a step down the gradient of its loss, and note how large both are."""
        weights = self.groups[step]
        gradients = tape.gradient(loss, weights)
        of = {id(weight): gradient for weight, gradient in zip(weights, gradients, strict=True)}
        for optimizer, own in self.movers[step]:
            optimizer.apply([of[id(weight)] for weight in own], own)
        first = self.first_losses[step]
        first.assign(tf.where(tf.equal(self.batches, 0), loss, first))
        sound = tf.math.is_finite(loss) & (loss <= first * EXPLODED)
        still = sound & tf.equal(self.sound, self.taken)
        self.sound.assign_add(tf.cast(still, tf.int64))
        self.taken.assign_add(1)
        # Means over steps: what a mean over updates lacks is counted at the epoch's end.
        self.squared_norm.update_state(tf.square(tf.linalg.global_norm(gradients)))

    def train_step(self, images: tf.Tensor) -> dict[str, Any]:
        """Learn from one batch; return the means of the epoch until now."""
        noise = Noise(self.seed, f"{self.purpose}/draws", self.batches)
        terms = self.update(self.see(images, noise), images, noise)
        self.batches.assign_add(1)
        return self._noted(terms) | {"squared_norm": self.squared_norm.result()}

    def test_step(self, images: tf.Tensor) -> dict[str, Any]:
        """Measure one batch, in every epoch under the same noise."""
        noise = Noise(self.seed, f"{self.purpose}/validation", self.validated)
        self.validated.assign_add(1)
        return self._noted(self.terms(self.see(images, noise), images, noise))

    def _noted(self, terms: Terms) -> dict[str, Any]:
        for mean in self.means:
            mean.update_state(terms[mean.name])
        return {mean.name: mean.result() for mean in self.means}


class ReconstructionLearner(Learner):
    """Gives back the image: binary cross-entropy or squared error, the mean over pixels."""

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: Noise) -> Terms:
        """Return `loss`, in nats or squared intensity per pixel."""
        logits = self(seen)
        loss = cross_entropy if self.objective.loss == "bce" else squared_error
        return {
            "loss": tf.reduce_mean(loss(logits, images), 1),
            "mse": tf.reduce_mean(squared_error(logits, images), 1),
        }


class VariationalLearner(Learner):
    """Maximises the evidence lower bound, one draw per image (Kingma & Welling, eq. 7 and 10)."""

    term_names = ("loss", "reconstruction", "kl", "mse")

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: Noise) -> Terms:
        """Return `loss` = `reconstruction` + `kl`, in nats per image, the latent drawn once."""
        mean, log_variance = (tf.cast(part, tf.float32) for part in self.encoder(seen))
        latents = mean + noise.normal(tf.shape(mean)) * tf.exp(log_variance / 2)
        logits = self.decode(latents)
        surprise = squared_error if self.objective.likelihood == "gaussian" else cross_entropy
        reconstruction = tf.reduce_sum(surprise(logits, images), 1)
        kl = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), axis=1)
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "mse": tf.reduce_mean(squared_error(logits, images), 1),
        }


class AdversarialLearner(Learner):
    """Reconstructs, with codes that a discriminator cannot tell from draws of the prior.

    Makhzani et al., arXiv 1511.05644, section 2.
    """

    term_names = ("loss", "mse", "discriminator", "generator")

    def __init__(self, objective: Adversarial, *arguments: Any) -> None:
        super().__init__(objective, *arguments)
        latent_shape = self.decoder.input_shape[1:]
        self.discriminator = networks.discriminator(
            latent_shape, objective.discriminator_widths[1:]
        )

    @property
    def models(self) -> list[keras.Model]:
        """Return the networks whose weights are trained."""
        return [*super().models, self.discriminator]

    @property
    def groups(self) -> dict[str, list[Any]]:
        """Return what the three steps move; the encoder is in two of them."""
        return {
            "autoencoder": self.encoder.trainable_variables + self.decoder.trainable_variables,
            DISCRIMINATOR: self.discriminator.trainable_variables,
            "generator": self.encoder.trainable_variables,
        }

    def terms(self, seen: tf.Tensor, images: tf.Tensor, noise: Noise) -> Terms:
        """Return `loss`, the reconstruction's in nats per pixel, and both sides of the game."""
        codes = self.encoder(seen)
        return (
            self._reconstruction(codes, images)
            | self._of_discriminator(codes, noise)
            | self._of_generator(codes)
        )

    def update(self, seen: tf.Tensor, images: tf.Tensor, noise: Noise) -> Terms:
        """Take the three steps, each with what the steps before it have changed."""
        with tf.GradientTape() as tape:
            reconstruction = self._reconstruction(self.encoder(seen), images)
            loss = tf.reduce_mean(reconstruction["loss"])
        self.move("autoencoder", loss, tape)
        with tf.GradientTape() as tape:
            codes = self.encoder(seen)  # one forward serves both steps that are left
            with tape.stop_recording():
                discriminator = self._move_discriminator(codes, noise)
            generator = self._of_generator(codes)
            loss = tf.reduce_mean(generator["generator"])
        self.move("generator", loss, tape)
        return reconstruction | discriminator | generator

    def _move_discriminator(self, codes: tf.Tensor, noise: Noise) -> Terms:
        with tf.GradientTape() as tape:
            terms = self._of_discriminator(codes, noise)
            loss = tf.reduce_mean(terms[DISCRIMINATOR])
        self.move(DISCRIMINATOR, loss, tape)
        return terms

    def _reconstruction(self, codes: tf.Tensor, images: tf.Tensor) -> Terms:
        logits = self.decode(codes)
        return {
            "loss": tf.reduce_mean(cross_entropy(logits, images), 1),
            "mse": tf.reduce_mean(squared_error(logits, images), 1),
        }

    def _of_discriminator(self, codes: tf.Tensor, noise: Noise) -> Terms:
        real = self._logits(noise.normal(tf.shape(codes)))
        return {DISCRIMINATOR: tf.nn.softplus(-real) + tf.nn.softplus(self._logits(codes))}

    def _of_generator(self, codes: tf.Tensor) -> Terms:
        return {"generator": tf.nn.softplus(-self._logits(codes))}

    def _logits(self, codes: tf.Tensor) -> tf.Tensor:
        return tf.cast(self.discriminator(codes)[:, 0], tf.float32)


def cross_entropy(logits: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Return the binary cross-entropy of every pixel in nats, `(N, H·W·C)`."""
    return _flat(tf.nn.sigmoid_cross_entropy_with_logits(labels=images, logits=logits))


def squared_error(logits: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Return the squared error of every pixel, `(N, H·W·C)`."""
    return _flat(tf.square(tf.sigmoid(logits) - images))


def _flat(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, (tf.shape(values)[0], -1))


LEARNERS: dict[type, Callable[..., Learner]] = {
    Reconstruction: ReconstructionLearner,
    Variational: VariationalLearner,
    Adversarial: AdversarialLearner,
}
