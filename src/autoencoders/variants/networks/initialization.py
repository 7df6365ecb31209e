"""How weights start."""

from torch import nn


def kaiming(module: nn.Module) -> None:
    """Draw weights for ReLU networks (He et al., arXiv 1502.01852, eq. 10); biases start at 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
