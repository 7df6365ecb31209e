"""The networks give the same outputs under both frameworks."""

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip(
    "autoencoders.training.tensorflow.backend", reason="no extra `tensorflow`", exc_type=ImportError
)

from autoencoders import randomness
from autoencoders.param_types import ImageShape
from autoencoders.training.settings import Variant
from autoencoders.training.tensorflow import networks
from autoencoders.training.tensorflow.backend import tf
from autoencoders.training.tensorflow.fit import build_objective
from autoencoders.training.tensorflow.inputs import StatelessNoise, encoder_inputs
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.inputs import Downsampled, Noisy
from tests.tensorflow.twins import FIVE, assembled, images, variant

SHAPES = [(1, 28, 28), (3, 16, 12), (1, 10, 14)]
ODD = [(1, 15, 9), (3, 7, 13)]


def channels_last(x: torch.Tensor) -> Any:
    """Return images `(N, C, H, W)` as `(N, H, W, C)`."""
    return tf.constant(x.permute(0, 2, 3, 1).numpy())


def outputs(subject: Assembled, learner: Any, inputs: torch.Tensor) -> tuple[Any, Any]:
    with torch.no_grad():
        expected = subject.model(inputs).permute(0, 2, 3, 1).numpy()
    return tf.sigmoid(_logits(learner, channels_last(inputs))).numpy(), expected


def _logits(learner: Any, inputs: Any) -> Any:
    encoded = learner.encoder(inputs)
    return learner.decoder(encoded[0] if isinstance(encoded, list | tuple) else encoded)


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in FIVE for shape in SHAPES]
    + [(name, shape) for name in FIVE if name != "superres" for shape in ODD],
)
def test_copied_weights_give_the_same_outputs_in_both_directions(
    name: str, shape: ImageShape
) -> None:
    subject = assembled(variant(name), shape)
    learner = build_objective(subject, seed=0, name="twins")
    inputs = images(5, subject.input_shape)
    networks.load_weights(learner.networks.values(), subject.networks.state_dict())
    found, expected = outputs(subject, learner, inputs)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for model in learner.networks.values():
        for weight in model.weights:
            weight.assign(weight + 0.03 * tf.random.stateless_normal(weight.shape, (1, 2)))
    subject.networks.load_state_dict(networks.torch_weights(learner.networks.values()))
    moved, expected = outputs(subject, learner, inputs)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    assert np.abs(moved - found).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "key", "value", "shape"),
    [
        *(
            ("conv", "upsampling", value, shape)
            for value in ("nearest", "bilinear", "transposed")
            for shape in ((1, 28, 28), (3, 9, 14))
        ),
        *(("aae", "channels", 6, shape) for shape in SHAPES),
        ("vae", "activation", "tanh", (1, 8, 8)),
    ],
)
def test_other_settings_give_the_same_outputs(
    name: str, key: str, value: Any, shape: ImageShape
) -> None:
    content = variant(name).model_dump()
    content["model"][key] = value
    subject = assembled(Variant.model_validate(content), shape)
    learner = build_objective(subject, seed=0, name="twins")
    networks.load_weights(learner.networks.values(), subject.networks.state_dict())
    np.testing.assert_allclose(*outputs(subject, learner, images(3, shape)), atol=1e-5)


@pytest.mark.parametrize("reduction", ["bilinear", "bicubic", "average"])
@pytest.mark.parametrize("factor", [2, 4])
def test_downsampled_images_are_the_same(reduction: Any, factor: int) -> None:
    input, batch = Downsampled(factor, reduction), images(3, (3, 16, 28))
    no_noise: Any = None
    found = encoder_inputs(input, channels_last(batch), no_noise)
    np.testing.assert_allclose(found, channels_last(input(batch, no_noise)), atol=1e-6)


@pytest.mark.parametrize(
    "input", [Noisy(0.5, 0.3), Noisy(0.0, 0.1, clamp=False), Noisy(0.1, [0.0, 0.2])]
)
def test_input_noise_has_the_same_distribution(input: Noisy) -> None:
    grey = tf.fill((5000, 14, 14, 1), 0.1)
    inputs = encoder_inputs(input, grey, StatelessNoise(0, "noise", tf.constant(0)))
    expected = input(torch.full((5000, 1, 14, 14), 0.1), randomness.noise(0, "noise"))
    ends = [0, 1] if input.clamp else []
    shares = [*ends, *np.linspace(0.02, 0.98, 25)]
    found = np.quantile(inputs.numpy(), shares)
    np.testing.assert_allclose(found, np.quantile(expected.numpy(), shares), atol=5e-3)


def test_different_draws_of_noise_are_independent() -> None:
    first, again, later = (StatelessNoise(0, "noise", tf.constant(step)) for step in (0, 0, 1))
    a, b = first.normal((50,)), first.normal((50,))
    np.testing.assert_array_equal(a, again.normal((50,)))
    for other in (b, later.normal((50,)), StatelessNoise(1, "noise", tf.constant(0)).normal((50,))):
        assert np.abs(np.corrcoef(a, other)[0, 1]) < 0.5
