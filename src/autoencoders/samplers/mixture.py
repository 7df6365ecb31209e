"""A sampler that draws from a mixture of Gaussians, fitted to codes."""

import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

from autoencoders.decomposition import principal_directions
from autoencoders.param_types import Count
from autoencoders.randomness import Noise
from autoencoders.samplers.base import Sampler
from autoencoders.samplers.gaussian import GaussianSampler

DIMENSIONS = 32  # leading principal components of the codes, in which the Gaussians differ
SMALLEST_VARIANCE = 1e-4  # of a Gaussian, relative to the mean variance of these components


class MixtureSampler(Sampler):
    """A mixture of `components` Gaussians, fitted to codes `(N, *latent_shape)`.

    There are at most as many Gaussians as different codes. Each Gaussian has a mean and a full
    covariance in the first 32 principal components of the codes. In the other directions of a
    larger latent, all share one Gaussian. Ghosh et al., arXiv 1903.12436, sample plain
    autoencoders from such a mixture.
    """

    def __init__(self, components: Count = 10) -> None:
        self.components = components
        self.title = _title(components)

    def fit(self, codes: Tensor) -> None:
        """Fit by expectation maximisation, with a fixed initialisation."""
        self.latent_shape = codes.shape[1:]
        self.mean = codes.flatten(1).mean(0)
        centred = codes.flatten(1) - self.mean
        self.directions = principal_directions(centred, DIMENSIONS)
        leading = centred @ self.directions
        components = min(self.components, len(leading.unique(dim=0)))
        self.title = _title(components)
        mixture = GaussianMixture(
            components,
            tol=1e-2,  # nats per code
            reg_covar=SMALLEST_VARIANCE * max(leading.var(dim=0).mean().item(), 1e-6),
            random_state=0,
        ).fit(leading.double().cpu().numpy())
        self.weights, self.means, covariances = (
            torch.from_numpy(array)
            for array in (mixture.weights_, mixture.means_, mixture.covariances_)
        )
        self.factors = torch.linalg.cholesky(covariances)
        self.rest = GaussianSampler()
        self.rest.fit(centred - leading @ self.directions.T)

    def draw(self, count: int, noise: Noise) -> Tensor:
        """Return draws `(count, *latent_shape)`, sorted by the Gaussian that they come from."""
        generator = noise.generator
        weights = self.weights.to(generator.device)
        chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
        indices = chosen.sort().values.cpu()
        normal = noise.normal((count, self.means.shape[1])).cpu().double()
        leading = self.means[indices] + torch.einsum("nij,nj->ni", self.factors[indices], normal)
        projected = leading.float().to(self.mean.device) @ self.directions.T
        vectors = self.mean + projected + self.rest.draw(count, noise)
        return vectors.view(count, *self.latent_shape)


def _title(components: int) -> str:
    return f"a mixture of {components} Gaussians, sorted by Gaussian"
