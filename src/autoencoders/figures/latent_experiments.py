"""What a decoder makes of latents that no image gave: moved, or between two.

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

# Of a larger latent the dimensions of the greatest standard deviation are tried, this many.
TRIED_DIMENSIONS = 256
SMALLEST_SINE = 1e-4  # of the angle below which two latents count as parallel


@dataclass(frozen=True)
class Perturbation:
    """One latent dimension moved and the others held."""

    index: tuple[int, ...]  # of the dimension in the latent
    change: float  # mean squared change of a pixel, over all steps
    images: Tensor  # (steps, C, H, W)


def principal_plane(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the codes' first two principal components, and the shares of variance they explain.

    `codes` have at least two entries each. The components are `(N, 2)`, the shares `(2,)`; the
    entry of each direction that is largest in size is positive.
    """
    flat = codes.flatten(1)
    centred = flat - flat.mean(0)
    plane = centred @ principal_directions(centred, 2)
    total = centred.square().sum().clamp(min=torch.finfo(torch.float32).tiny)
    return plane, plane.square().sum(0) / total


def viewed_plane(codes: Codes) -> Codes:
    """Return two principal directions `(d, 2)` of codes `(N, d)`; of two dimensions their own."""
    if codes.shape[1] == 2:
        return np.eye(2)
    return principal_directions(torch.from_numpy(codes - codes.mean(axis=0)), 2).numpy()


def perturbations(
    decode: Decode, latent: Tensor, deviations: Tensor, steps: Tensor, count: int
) -> list[Perturbation]:
    """Return the `count` dimensions whose movement changes the image most, most first.

    Each dimension of `latent` `(*latent_shape)` is moved by `steps` `(S,)` times its standard
    deviation, of `deviations` `(*latent_shape)`. Of more than 256 dimensions, those with the
    greatest deviations are tried.
    """
    unmoved = decode(latent[None])
    tried = deviations.flatten().argsort(descending=True, stable=True)[:TRIED_DIMENSIONS]
    moved: list[Perturbation] = []
    for dimension in tried.tolist():
        latents = latent.flatten().repeat(len(steps), 1)
        latents[:, dimension] += steps * deviations.flatten()[dimension]
        images = decode(latents.unflatten(1, latent.shape))
        index = tuple(int(i) for i in np.unravel_index(dimension, latent.shape))
        one = Perturbation(index, (images - unmoved).square().mean().item(), images)
        moved = sorted([*moved, one], key=lambda one: one.change, reverse=True)[:count]
    return moved


def linear(start: Tensor, end: Tensor, weights: Tensor) -> Tensor:
    """Return the points `(S, *shape)` on the straight line; weight 0 is `start`, 1 is `end`."""
    return torch.lerp(start, end, weights.view(-1, *[1] * start.dim()))


def spherical(start: Tensor, end: Tensor, weights: Tensor) -> Tensor:
    """Return the points `(S, *shape)` on the great arc from `start` to `end` about the origin.

    Their directions are those of White, arXiv 1609.04468, section 2.1, for unit vectors:
    sin((1-t)Ω)/sin(Ω)·start + sin(tΩ)/sin(Ω)·end, Ω being the angle between the two. Their lengths
    go evenly from one to the other: the formula alone, of nearly opposite latents of different
    lengths, goes far beyond both. Latents that no single arc joins, parallel or zero, are joined by
    the line.
    """
    first, second = start.double(), end.double()
    lengths = first.norm(), second.norm()
    angle = torch.cosine_similarity(first.flatten(), second.flatten(), dim=0).clamp(-1, 1).acos()
    if angle.sin() < SMALLEST_SINE or not all(lengths):
        return linear(start, end, weights)
    t = weights.double().view(-1, *[1] * start.dim())
    from_first = ((1 - t) * angle).sin() / lengths[0] * first
    from_second = (t * angle).sin() / lengths[1] * second
    directions = (from_first + from_second) / angle.sin()
    return (directions * torch.lerp(*lengths, t)).to(start.dtype)
