import math

import torch
from torch import nn

from autoencoders.variants.models.base import initialize_kaiming


def test_kaiming_weights_have_the_deviation_of_the_fan_in_and_biases_are_zero() -> None:
    network = nn.Sequential(nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Sequential(nn.Linear(100, 400)))
    initialize_kaiming(network)
    weights = network.state_dict()
    for name, fan_in in (("0", 16 * 9), ("2.0", 100)):
        expected = math.sqrt(2 / fan_in)
        assert abs(weights[f"{name}.weight"].std() / expected - 1) < 0.05
        assert abs(weights[f"{name}.weight"].mean()) < 0.1 * expected
        assert not weights[f"{name}.bias"].any()


def test_kaiming_keeps_the_scale_of_a_signal_in_a_deep_network() -> None:
    layers = [m for _ in range(20) for m in (nn.Linear(256, 256), nn.ReLU())]
    network = nn.Sequential(*layers)
    x = torch.randn(100, 256)
    assert network(x).square().mean() < 1e-3  # with the default, the signal vanishes
    initialize_kaiming(network)
    assert 0.3 < network(x).square().mean() < 3
