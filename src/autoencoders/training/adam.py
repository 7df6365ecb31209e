"""Optimisers that adapt the step size of each weight to its past gradients."""

import torch
from torch import nn

from autoencoders.param_types import Rate


def adam(parameters: list[nn.Parameter], lr: Rate, eps: Rate = 1e-8) -> list[torch.optim.Optimizer]:
    """Return Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1)."""
    return [torch.optim.Adam(parameters, lr=lr, eps=eps, fused=True)]


def rmsprop(
    parameters: list[nn.Parameter], lr: Rate, eps: Rate = 1e-8
) -> list[torch.optim.Optimizer]:
    """Return RMSprop (Hinton's lecture 6e) with PyTorch's smoothing constant of 0.99."""
    return [torch.optim.RMSprop(parameters, lr=lr, eps=eps)]
