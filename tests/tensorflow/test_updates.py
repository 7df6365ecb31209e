"""One update from the same weights and noise gives the same weights under both frameworks."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip(
    "autoencoders.training.tensorflow.backend", reason="no extra `tensorflow`", exc_type=ImportError
)

from autoencoders.training.schedules import set_rates
from autoencoders.training.settings import Variant
from autoencoders.training.tensorflow import networks
from autoencoders.training.tensorflow.backend import tf
from autoencoders.training.tensorflow.fit import build_objective, build_optimizers
from autoencoders.training.tensorflow.fit import set_rates as set_keras_rates
from autoencoders.variants.assembly import Assembled
from tests.tensorflow.test_networks import channels_last
from tests.tensorflow.twins import (
    ADAM,
    BERNOULLI,
    FIVE,
    GAME,
    MUON,
    RMSPROP,
    assembled,
    images,
    variant,
)

SHAPE = (1, 12, 12)
CASES = [
    *((name, ADAM) for name in FIVE),
    *((name, RMSPROP) for name in FIVE),
    ("conv", MUON),
    ("aae", MUON),
]


class SharedNoise:
    """Noise with the same numbers under both frameworks."""

    def __init__(self, framework: str) -> None:
        self.framework = framework
        self.drawn = 0

    def normal(self, shape: Sequence[int]) -> Any:
        self.drawn += 1
        drawn = torch.randn(tuple(map(int, shape)), generator=torch.manual_seed(self.drawn))
        return drawn if self.framework == "torch" else tf.constant(drawn.numpy())


def update_torch(subject: Assembled, chosen: Variant, batch: torch.Tensor, updates: int) -> Any:
    training = chosen.training
    groups = subject.objective.parameter_groups(subject.networks)
    optimizers = {step: training.optimizers[step].build(parameters=groups[step]) for step in groups}
    schedule = training.schedule.build()

    def step(name: str, losses: torch.Tensor) -> None:
        for parameter in groups[name]:
            parameter.grad = None
        losses.mean().backward(inputs=groups[name])
        for optimizer in optimizers[name]:
            optimizer.step()

    noise: Any = SharedNoise("torch")
    for update in range(updates):
        set_rates(chain.from_iterable(optimizers.values()), schedule(update / 10))
        inputs = subject.input(batch, noise)
        terms = subject.objective.update(subject.networks, inputs, batch, noise, step)
    return {name: term.detach().numpy() for name, term in terms.items()}


@pytest.mark.parametrize("updates", [1, 3])
@pytest.mark.parametrize(("name", "optimizer"), CASES)
def test_updates_are_the_same(name: str, optimizer: dict[str, Any], updates: int) -> None:
    compare(variant(name, optimizer), updates)


def test_updates_of_a_bernoulli_likelihood_are_the_same() -> None:
    content = variant("vae").model_dump()
    compare(Variant.model_validate(content | {"objective": BERNOULLI}), 3)


def test_updates_of_a_weighted_generator_are_the_same() -> None:
    content, half = variant("aae").model_dump(), ADAM | {"beta1": 0.5}
    steps = {"autoencoder": ADAM, "discriminator": half}
    changed = {
        "objective": GAME | {"generator_weight": 0.5},
        "training": content["training"] | {"optimizers": steps},
    }
    compare(Variant.model_validate(content | changed), 3)


def test_learning_rates_follow_the_schedule_in_both_frameworks() -> None:
    compare(variant("vae", schedule={"kind": "one_cycle", "warmup": 0.2}), 3)


def compare(chosen: Variant, updates: int) -> None:
    subject, batch = assembled(chosen, SHAPE), images(16, SHAPE, 1)
    learner = build_objective(subject, seed=0, name="twins")
    networks.load_weights(learner.networks.values(), subject.networks.state_dict())
    learner.compile(build_optimizers(chosen.training))
    before = {name: weight.clone() for name, weight in subject.networks.state_dict().items()}
    expected = update_torch(subject, chosen, batch, updates)
    noise: Any = SharedNoise("tensorflow")
    schedule = chosen.training.schedule.build()
    for update in range(updates):
        set_keras_rates(learner, chosen.training, schedule(update / 10))
        inputs = learner.encoder_inputs(channels_last(batch), noise)
        terms = learner.update(inputs, channels_last(batch), noise)
    for name, term in expected.items():
        np.testing.assert_allclose(terms[name], term, rtol=1e-5, atol=1e-5, err_msg=name)
    found = networks.torch_weights(learner.networks.values())
    assert found.keys() == before.keys()
    for name, weight in subject.networks.state_dict().items():
        torch.testing.assert_close(found[name], weight, rtol=0, atol=1e-5)
    assert any((found[name] - weight).abs().max() > 1e-4 for name, weight in before.items())
