"""Optimisers that adapt the step size of each weight to its past gradients."""

import torch
from torch import nn

from autoencoders.param_types import Fraction, Rate


def adam(
    parameters: list[nn.Parameter], lr: Rate, eps: Rate = 1e-8, beta1: Fraction = 0.9
) -> list[torch.optim.Optimizer]:
    """Return Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1).

    `beta1` is the decay of the average of gradients; adversaries often train better with 0.5
    (Radford et al., arXiv 1511.06434).
    """
    return [torch.optim.Adam(parameters, lr=lr, betas=(beta1, 0.999), eps=eps, fused=True)]


def rmsprop(
    parameters: list[nn.Parameter], lr: Rate, eps: Rate = 1e-8
) -> list[torch.optim.Optimizer]:
    """Return RMSprop (Hinton's lecture 6e) with PyTorch's smoothing constant of 0.99."""
    return [torch.optim.RMSprop(parameters, lr=lr, eps=eps)]
