"""Latents that are moved along one dimension, interpolated between two codes, or projected.

Latents are float32 `(N, *latent_shape)`. A `Decode` turns them into images `(N, C, H, W)`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autoencoders.decomposition import principal_directions

Codes = npt.NDArray[np.floating]
Decode = Callable[[Tensor], Tensor]

# At most this many dimensions are moved, those with the greatest standard deviations.
TRIED_DIMENSIONS = 256
SMALLEST_SINE = 1e-4  # two latents count as parallel if the sine of their angle is smaller


@dataclass(frozen=True)
class Perturbation:
    """The effect of moving one latent dimension while the others stay fixed."""

    index: tuple[int, ...]  # of the dimension in the latent
    change: float  # mean squared change of a pixel, over all steps
    images: Tensor  # (steps, C, H, W)


def principal_plane(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first two principal components `(N, 2)` and their shares `(2,)` of the variance.

    `codes` are `(N, *latent_shape)` with at least two entries each. The entry of each principal
    direction with the largest absolute value is positive.
    """
    flat = codes.flatten(1)
    centred = flat - flat.mean(0)
    plane = centred @ principal_directions(centred, 2)
    total = centred.square().sum().clamp(min=torch.finfo(torch.float32).tiny)
    return plane, plane.square().sum(0) / total


def plane_directions(codes: Codes) -> Codes:
    """Return the two principal directions `(d, 2)` of codes `(N, d)`; the axes if d is 2."""
    if codes.shape[1] == 2:
        return np.eye(2)
    return principal_directions(torch.from_numpy(codes - codes.mean(axis=0)), 2).numpy()


def perturbations(
    decode: Decode, latent: Tensor, deviations: Tensor, steps: Tensor, count: int
) -> list[Perturbation]:
    """Return the `count` dimensions whose movement changes the image most, the strongest first.

    Args:
        decode: turns latents into images.
        latent: the unmoved latent, `(*latent_shape)`.
        deviations: standard deviation of each dimension, `(*latent_shape)`. Of more than 256
            dimensions, only those with the greatest deviations are moved.
        steps: movements of a dimension `(S,)`, in units of its standard deviation.
        count: number of dimensions to return.
    """
    unmoved = decode(latent[None])
    dimensions = deviations.flatten().argsort(descending=True, stable=True)[:TRIED_DIMENSIONS]
    strongest: list[Perturbation] = []
    for dimension in dimensions.tolist():
        latents = latent.flatten().repeat(len(steps), 1)
        latents[:, dimension] += steps * deviations.flatten()[dimension]
        images = decode(latents.unflatten(1, latent.shape))
        index = tuple(int(i) for i in np.unravel_index(dimension, latent.shape))
        one = Perturbation(index, (images - unmoved).square().mean().item(), images)
        strongest = sorted([*strongest, one], key=lambda one: one.change, reverse=True)[:count]
    return strongest


def interpolate_linearly(start: Tensor, end: Tensor, weights: Tensor) -> Tensor:
    """Return points `(S, *shape)` on a line, at weights `(S,)`: 0 is `start`, 1 is `end`."""
    return torch.lerp(start, end, weights.view(-1, *[1] * start.dim()))


def interpolate_spherically(start: Tensor, end: Tensor, weights: Tensor) -> Tensor:
    """Return points `(S, *shape)` on a great arc about the origin, at weights `(S,)`.

    Weight 0 is `start` `(*shape)`, weight 1 is `end` `(*shape)`. The directions follow White,
    arXiv 1609.04468, section 2.1, for unit vectors: sin((1-t)Ω)/sin(Ω)·start +
    sin(tΩ)/sin(Ω)·end, where Ω is the angle between the two. The lengths are interpolated
    linearly: without this, points between nearly opposite latents of different lengths are far too
    long. Parallel or zero latents have no unique arc and are interpolated linearly.
    """
    first, second = start.double(), end.double()
    lengths = first.norm(), second.norm()
    angle = torch.cosine_similarity(first.flatten(), second.flatten(), dim=0).clamp(-1, 1).acos()
    if angle.sin() < SMALLEST_SINE or not all(lengths):
        return interpolate_linearly(start, end, weights)
    t = weights.double().view(-1, *[1] * start.dim())
    from_first = ((1 - t) * angle).sin() / lengths[0] * first
    from_second = (t * angle).sin() / lengths[1] * second
    directions = (from_first + from_second) / angle.sin()
    return (directions * torch.lerp(*lengths, t)).to(start.dtype)
