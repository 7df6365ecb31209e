"""What a trained network must beat: predictions that need no network."""

from typing import NamedTuple

from autoencoders.decomposition import leading_directions
from autoencoders.evaluation.pairs import Pairs, Predict
from autoencoders.lazy import Tensor, torch

EXACT = 4096  # values per image up to which `pca` is fitted by full decompositions
RIDGE = 1e-6  # added to each variance, as a share of their mean, so that none is zero


class Fitted(NamedTuple):
    """Yardsticks by name, and `pca`'s own encoder: what is seen → `(N, components)`."""

    predictions: dict[str, Predict]
    pca_codes: Predict


def fitted(pairs: Pairs, components: int) -> Fitted:
    """Return the yardsticks that are fitted to training pairs.

    `mean_image` answers with the mean training image. `pca` is the best linear autoencoder with
    `components` latent dimensions: principal components where the encoder sees the image itself,
    and where it sees less their generalisation, reduced-rank regression (Izenman 1975): least
    squares from what is seen to the image, then the principal components of what it predicts.
    """
    moments = _Moments(pairs)
    image_shape, image_mean = moments.image_shape, moments.image_mean
    exact = max(moments.cross.shape) <= EXACT
    directions, encode = (_exactly if exact else _iteratively)(moments, components)
    decode, seen_mean, mean = directions.float(), moments.seen_mean.float(), image_mean.float()

    def mean_image(seen: Tensor) -> Tensor:
        return mean.expand(len(seen), -1).unflatten(1, image_shape).clamp(0, 1)

    def pca_codes(seen: Tensor) -> Tensor:
        return (seen.flatten(1) - seen_mean) @ encode.T

    def pca(seen: Tensor) -> Tensor:
        return (pca_codes(seen) @ decode.T + mean).unflatten(1, image_shape).clamp(0, 1)

    return Fitted({"mean_image": mean_image, "pca": pca}, pca_codes)


def _exactly(moments: "_Moments", components: int) -> tuple[Tensor, Tensor]:
    """Return the directions `(pixels, components)` in image space, and the map to their codes."""
    regression = moments.cross @ torch.linalg.pinv(moments.seen_covariance, hermitian=True)
    predicted_covariance = regression @ moments.cross.T
    directions = torch.linalg.eigh(predicted_covariance).eigenvectors[:, -components:]
    return directions, (directions.T @ regression).float()


def _iteratively(moments: "_Moments", components: int) -> tuple[Tensor, Tensor]:
    """Return the same in minutes instead of hours, to the accuracy of a slight ridge."""
    covariance = moments.seen_covariance
    covariance.diagonal().add_(RIDGE * covariance.diagonal().mean())
    factor = torch.linalg.cholesky(covariance)
    whitened = torch.linalg.solve_triangular(factor, moments.cross.T, upper=False)
    directions = leading_directions(whitened, components)
    encode = torch.linalg.solve_triangular(factor.T, whitened @ directions, upper=True)
    return directions, encode.T.float()


class _Moments:
    """Means and covariances of all pairs, summed in double precision."""

    def __init__(self, pairs: Pairs) -> None:
        count = 0
        for seen, images in pairs:
            x, y = seen.flatten(1).double(), images.flatten(1).double()
            if count == 0:
                self.image_shape = images.shape[1:]
                sums = [x.new_zeros(x.shape[1]), y.new_zeros(y.shape[1])]
                products = [
                    x.new_zeros(y.shape[1], x.shape[1]),
                    x.new_zeros(x.shape[1], x.shape[1]),
                ]
            count += len(x)
            sums[0] += x.sum(0)
            sums[1] += y.sum(0)
            products[0].addmm_(y.T, x)
            products[1].addmm_(x.T, x)
        self.seen_mean, self.image_mean = (total / count for total in sums)
        self.cross = products[0] / count - torch.outer(self.image_mean, self.seen_mean)
        self.seen_covariance = products[1] / count - torch.outer(self.seen_mean, self.seen_mean)
