"""Weights between PyTorch's names and layouts and those of Keras."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from autoencoders.training.tensorflow.backend import keras
from autoencoders.training.tensorflow.networks import twins, whole
from autoencoders.variants.assembly import Assembled

# From Keras to PyTorch: (H, W, I, O) of a convolution to (O, I, H, W), and (H, W, O, I) of a
# transposed one to (I, O, H, W); (I, O) of a linear layer to (O, I).
ORDERS = {4: (3, 2, 0, 1), 2: (1, 0)}


def take(models: Iterable[keras.Model], state: Mapping[str, torch.Tensor]) -> None:
    """Give every layer of `models` the weights that PyTorch's state has under its name."""
    for name, layer in _layers(models):
        kernel = state[f"{name}.weight"].numpy()
        order = ORDERS[kernel.ndim]
        back = sorted(range(kernel.ndim), key=order.__getitem__)
        layer.set_weights([kernel.transpose(back), state[f"{name}.bias"].numpy()])


def give(models: Iterable[keras.Model]) -> dict[str, torch.Tensor]:
    """Return PyTorch's state, the weights of every layer of `models` under its name."""
    state = {}
    for name, layer in _layers(models):
        kernel, bias = layer.get_weights()
        state[f"{name}.weight"] = torch.from_numpy(kernel.transpose(ORDERS[kernel.ndim]).copy())
        state[f"{name}.bias"] = torch.from_numpy(bias)
    return state


def keras_model(assembled: Assembled) -> keras.Model:
    """Return a trained variant's network, from what is seen to the reconstruction in [0, 1]."""
    networks = twins(assembled)
    take(networks.values(), assembled.networks.state_dict())
    return whole(networks["encoder"], networks["decoder"])


def _layers(models: Iterable[keras.Model]) -> Iterable[tuple[str, Any]]:
    """Return the layers that have weights, with their names."""
    return [(layer.name, layer) for model in models for layer in model.layers if layer.weights]
