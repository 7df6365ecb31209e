"""The Wasserstein objective: codes are moved to the prior by a kernel distance."""

import torch
from torch import Tensor

from autoencoders.param_types import PixelLoss, Rate
from autoencoders.randomness import Noise
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.losses import reconstruction
from autoencoders.variants.priors.base import PriorFamily
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of the kernels, in the authors' code


class Wasserstein(Objective):
    """Reconstruction plus `weight` times the maximum mean discrepancy of codes and prior draws.

    Tolstikhin et al., arXiv 1711.01558, algorithm 2 (WAE-MMD), with a sum of inverse multiquadratic
    kernels. It has no discriminator.
    """

    def __init__(self, loss: PixelLoss, weight: Rate, prior: PriorFamily = STANDARD_NORMAL) -> None:
        self.loss: PixelLoss = loss
        self.weight = weight
        self.prior: PriorFamily = prior

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, `mse` and `discrepancy`, each `(N,)`."""
        codes = networks.model.encode(inputs)
        terms = reconstruction(self.loss, networks.model.decode(codes).float(), images)
        prior = self.prior.prior(networks.model, networks.objective)
        draws = prior.draw(codes.shape, noise).to(codes.device)
        discrepancy = squared_discrepancies(codes.float().flatten(1), draws.flatten(1))
        loss = terms["loss"] + self.weight * discrepancy
        return terms | {"loss": loss, "discrepancy": discrepancy}


def squared_discrepancies(codes: Tensor, draws: Tensor) -> Tensor:
    """Return a value for each code, `(N,)`, whose mean estimates the squared discrepancy.

    Codes and draws are `(N, d)`. The estimate is unbiased (Gretton et al. 2012, eq. 4).
    """
    others = max(1, len(codes) - 1)
    with torch.autocast(codes.device.type, enabled=False):  # bfloat16 has too few digits here
        of_codes, of_draws = (
            _without_diagonal(_kernel(x, x)).sum(1) / others for x in (codes, draws)
        )
        return of_codes + of_draws - 2 * _kernel(codes, draws).mean(1)


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return the kernel's value for each pair of the rows of `(N, d)` and `(M, d)`: `(N, M)`."""
    # Not by cdist, whose gradient is not finite for equal rows.
    squared = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T
    widths = [2 * a.shape[1] * scale for scale in SCALES]
    return torch.stack([width / (width + squared.clamp_min(0)) for width in widths]).sum(0)


def _without_diagonal(matrix: Tensor) -> Tensor:
    return matrix - matrix.diag().diag()
