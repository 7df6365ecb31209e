"""What a trained network must beat: predictions that need no network."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from autoencoders.evaluation.batched_matrix import MAX_DIRECT_LENGTH, MAX_GRAM_ROWS, Rows
from autoencoders.trained.pairs import Pairs, Predict

RIDGE = 1e-6  # added to each variance, as a share of their mean, so that none is zero


class FittedYardsticks(NamedTuple):
    """Yardsticks by name, and `pca`'s own encoder: what is seen → `(N, components)`."""

    predictions: dict[str, Predict]
    pca_codes: Predict


class _Linear(NamedTuple):
    """A linear autoencoder: what is seen → `(N, components)`, and these → `(N, pixels)`."""

    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]


def fit_yardsticks(pairs: Callable[[], Pairs], count: int, components: int) -> FittedYardsticks:
    """Return the yardsticks that are fitted to training pairs.

    `mean_image` answers with the mean training image. `pca` is the best linear autoencoder with
    `components` latent dimensions: principal components where the encoder sees the image itself,
    and where it sees less their generalisation, reduced-rank regression (Izenman 1975): least
    squares from what is seen to the image, then the principal components of what it predicts.

    It is found from the covariances of pixels, or where images are fewer or large, from the inner
    products of images; of large images the first 3,000 have to do. No memory grows with the square
    of an image's size.

    Args:
        pairs: yields all training pairs, the same at each call.
        count: how many there are.
        components: of `pca`; of fewer images there are fewer.
    """
    first_seen, first_images = next(pairs())
    image_shape = first_images.shape[1:]
    size = max(first_seen[0].numel(), first_images[0].numel())
    if size > MAX_DIRECT_LENGTH or count < min(size, MAX_GRAM_ROWS):
        mean = Rows(lambda: (images for _, images in pairs())).mean
        linear = _of_images(lambda: _first(pairs(), MAX_GRAM_ROWS), components)
    else:
        moments = _Moments(pairs())
        mean, linear = moments.image_mean.float(), _of_moments(moments, components)

    def mean_image(seen: Tensor) -> Tensor:
        return mean.expand(len(seen), -1).unflatten(1, image_shape).clamp(0, 1)

    def pca(seen: Tensor) -> Tensor:
        return linear.decode(linear.encode(seen)).unflatten(1, image_shape).clamp(0, 1)

    return FittedYardsticks({"mean_image": mean_image, "pca": pca}, linear.encode)


def _of_moments(moments: "_Moments", components: int) -> _Linear:
    """Return the best linear autoencoder by the covariances."""
    regression = moments.cross @ torch.linalg.pinv(moments.seen_covariance, hermitian=True)
    predicted_covariance = regression @ moments.cross.T
    directions = torch.linalg.eigh(predicted_covariance).eigenvectors[:, -components:]
    decoder, encoder = directions.float(), (directions.T @ regression).float()
    seen_mean, mean = moments.seen_mean.float(), moments.image_mean.float()
    return _Linear(
        lambda seen: (seen.flatten(1) - seen_mean) @ encoder.T,
        lambda codes: codes @ decoder.T + mean,
    )


def _of_images(pairs: Callable[[], Pairs], components: int) -> _Linear:
    """Return the same, to the accuracy of a slight ridge, by the inner products of images.

    With X what is seen and Y the images, both less their mean, K = X·Xᵀ, G = Y·Yᵀ and a ridge ρ,
    least squares predict H·Y, H = K·(K + ρ)⁻¹. With H = S·Sᵀ and W the leading unit eigenvectors of
    Sᵀ·G·S over the square roots of their eigenvalues, the directions are the columns of Yᵀ·S·W, and
    the codes of a vector x are x·Xᵀ·(K + ρ)⁻¹·G·S·W.
    """
    seen = Rows(lambda: (seen for seen, _ in pairs()))
    images = Rows(lambda: (images for _, images in pairs()))
    first_seen, first_image = next(pairs())
    of_seen = seen.gram()
    of_images = of_seen if first_seen is first_image else images.gram()
    values, vectors = torch.linalg.eigh(of_seen)
    values, least = values.clamp(min=0), torch.finfo(torch.float64)
    ridge = (RIDGE * values.sum() / len(seen.mean)).clamp(min=least.tiny)
    root = vectors * (values / (values + ridge)).sqrt()
    explained, parts = torch.linalg.eigh(root.T @ of_images @ root)
    explained, parts = explained[-components:], parts[:, -components:]
    told = explained > seen.count * least.eps * explained.max()
    directions = root @ (parts * torch.where(told, explained, torch.inf).rsqrt())
    regressed = vectors / (values + ridge) @ (vectors.T @ (of_images @ directions))
    return _Linear(
        lambda x: (seen.products_with(x.flatten(1) - seen.mean) @ regressed).float(),
        lambda codes: images.weighted_sums(codes.double() @ directions.T) + images.mean,
    )


def _first(pairs: Pairs, count: int) -> Pairs:
    """Yield the first `count` pairs, or all."""
    for seen, images in pairs:
        if len(images) >= count:
            yield seen[:count], images[:count]
            return
        yield seen, images
        count -= len(images)


class _Moments:
    """Means and covariances of all pairs, summed in double precision."""

    def __init__(self, pairs: Pairs) -> None:
        count = 0
        for seen, images in pairs:
            x = seen.flatten(1).double()
            y = x if seen is images else images.flatten(1).double()
            if count == 0:
                sums = [x.new_zeros(x.shape[1]), y.new_zeros(y.shape[1])]
                square = x.new_zeros(x.shape[1], x.shape[1])
                cross = square if y is x else x.new_zeros(y.shape[1], x.shape[1])
            count += len(x)
            sums[0] += x.sum(0)
            sums[1] += y.sum(0)
            square.addmm_(x.T, x)
            if y is not x:  # else it is the same product
                cross.addmm_(y.T, x)
        self.seen_mean, self.image_mean = (total / count for total in sums)
        self.cross = cross / count - torch.outer(self.image_mean, self.seen_mean)
        self.seen_covariance = square / count - torch.outer(self.seen_mean, self.seen_mean)
