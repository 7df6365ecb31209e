"""Yardsticks fitted to the training set: predictions without a network."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from autoencoders.evaluation.batched_matrix import MAX_DIRECT_LENGTH, MAX_GRAM_ROWS, Rows
from autoencoders.trained.pairs import Pairs, Predict

RIDGE = 1e-6  # a share of the mean variance, added to each variance so that none is zero


class FittedYardsticks(NamedTuple):
    """Yardsticks by name, and the encoder of `pca`: encoder inputs → `(N, components)`."""

    predictions: dict[str, Predict]
    pca_codes: Predict


class _Linear(NamedTuple):
    """A linear autoencoder: encoder inputs → `(N, components)` → `(N, pixels)`."""

    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]


def fit_yardsticks(pairs: Callable[[], Pairs], count: int, components: int) -> FittedYardsticks:
    """Return the yardsticks, fitted to training pairs.

    `mean_image` always predicts the mean training image. `pca` is the best linear autoencoder with
    `components` latent dimensions. If the encoder input is the image, these are the principal
    components. Otherwise it is reduced-rank regression (Izenman 1975): least squares from the
    encoder input to the image, then the principal components of the predictions.

    `pca` is computed from the covariances of pixels; for few or large images from the inner
    products of the first 3,000 images. Memory thus never grows with the square of a large image's
    size.

    Args:
        pairs: yields all training pairs, each `(n, C, H, W)`, the same at each call.
        count: the number of training pairs.
        components: the number of components of `pca`; fewer if there are fewer images.
    """
    first_inputs, first_images = next(pairs())
    image_shape = first_images.shape[1:]
    size = max(first_inputs[0].numel(), first_images[0].numel())
    if size > MAX_DIRECT_LENGTH or count < min(size, MAX_GRAM_ROWS):
        mean = Rows(lambda: (images for _, images in pairs())).mean
        linear = _of_images(lambda: _first(pairs(), MAX_GRAM_ROWS), components)
    else:
        moments = _Moments(pairs())
        mean, linear = moments.image_mean.float(), _of_moments(moments, components)

    def mean_image(inputs: Tensor) -> Tensor:
        return mean.expand(len(inputs), -1).unflatten(1, image_shape).clamp(0, 1)

    def pca(inputs: Tensor) -> Tensor:
        return linear.decode(linear.encode(inputs)).unflatten(1, image_shape).clamp(0, 1)

    return FittedYardsticks({"mean_image": mean_image, "pca": pca}, linear.encode)


def _of_moments(moments: "_Moments", components: int) -> _Linear:
    """Return the best linear autoencoder, computed from covariances."""
    regression = moments.cross @ torch.linalg.pinv(moments.input_covariance, hermitian=True)
    predicted_covariance = regression @ moments.cross.T
    directions = torch.linalg.eigh(predicted_covariance).eigenvectors[:, -components:]
    decoder, encoder = directions.float(), (directions.T @ regression).float()
    input_mean, mean = moments.input_mean.float(), moments.image_mean.float()
    return _Linear(
        lambda inputs: (inputs.flatten(1) - input_mean) @ encoder.T,
        lambda codes: codes @ decoder.T + mean,
    )


def _of_images(pairs: Callable[[], Pairs], components: int) -> _Linear:
    """Return the best linear autoencoder, with a small ridge, computed from inner products.

    Let X be the encoder inputs and Y the images, both minus their mean, K = X·Xᵀ, G = Y·Yᵀ and ρ
    the ridge. Least squares predicts H·Y with H = K·(K + ρ)⁻¹. Let H = S·Sᵀ, and let W be the
    leading unit eigenvectors of Sᵀ·G·S, divided by the square roots of their eigenvalues. The
    directions are the columns of Yᵀ·S·W, and the codes of a vector x are x·Xᵀ·(K + ρ)⁻¹·G·S·W.
    """
    inputs = Rows(lambda: (inputs for inputs, _ in pairs()))
    images = Rows(lambda: (images for _, images in pairs()))
    first_inputs, first_images = next(pairs())
    input_gram = inputs.gram()
    image_gram = input_gram if first_inputs is first_images else images.gram()
    values, vectors = torch.linalg.eigh(input_gram)
    values, limits = values.clamp(min=0), torch.finfo(torch.float64)
    ridge = (RIDGE * values.sum() / len(inputs.mean)).clamp(min=limits.tiny)
    root = vectors * (values / (values + ridge)).sqrt()
    explained, parts = torch.linalg.eigh(root.T @ image_gram @ root)
    explained, parts = explained[-components:], parts[:, -components:]
    is_significant = explained > inputs.count * limits.eps * explained.max()
    directions = root @ (parts * torch.where(is_significant, explained, torch.inf).rsqrt())
    regressed = vectors / (values + ridge) @ (vectors.T @ (image_gram @ directions))
    return _Linear(
        lambda x: (inputs.products_with(x.flatten(1) - inputs.mean) @ regressed).float(),
        lambda codes: images.weighted_sums(codes.double() @ directions.T) + images.mean,
    )


def _first(pairs: Pairs, count: int) -> Pairs:
    """Yield the first `count` pairs, or all if fewer."""
    for inputs, images in pairs:
        if len(images) >= count:
            yield inputs[:count], images[:count]
            return
        yield inputs, images
        count -= len(images)


class _Moments:
    """Means and covariances of encoder inputs and images, summed in double precision."""

    def __init__(self, pairs: Pairs) -> None:
        count = 0
        for inputs, images in pairs:
            x = inputs.flatten(1).double()
            y = x if inputs is images else images.flatten(1).double()
            if count == 0:
                sums = [x.new_zeros(x.shape[1]), y.new_zeros(y.shape[1])]
                square = x.new_zeros(x.shape[1], x.shape[1])
                cross = square if y is x else x.new_zeros(y.shape[1], x.shape[1])
            count += len(x)
            sums[0] += x.sum(0)
            sums[1] += y.sum(0)
            square.addmm_(x.T, x)
            if y is not x:  # otherwise `cross` is `square`
                cross.addmm_(y.T, x)
        self.input_mean, self.image_mean = (total / count for total in sums)
        self.cross = cross / count - torch.outer(self.image_mean, self.input_mean)
        self.input_covariance = square / count - torch.outer(self.input_mean, self.input_mean)
