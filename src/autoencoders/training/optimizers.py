"""The optimisers and learning-rate schedules by their names in params.yaml."""

from collections.abc import Callable

import torch

from autoencoders.training.adam import adam, rmsprop
from autoencoders.training.muon import muon
from autoencoders.training.schedules import Schedule, constant, one_cycle

OPTIMIZERS: dict[str, Callable[..., list[torch.optim.Optimizer]]] = {
    "adam": adam,
    "rmsprop": rmsprop,
    "muon": muon,
}
SCHEDULES: dict[str, Callable[..., Schedule]] = {"constant": constant, "one_cycle": one_cycle}
