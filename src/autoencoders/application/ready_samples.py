"""New images from a ready network. It needs no torch."""

from collections.abc import Iterator

import numpy as np

from autoencoders import ready
from autoencoders.application.onnx_network import ready_coder
from autoencoders.errors import UserError
from autoencoders.images.picture import Floats

BATCH = 64  # images in memory
PRIOR = "standard_normal"  # the `kind` of the only prior that ready networks have


def draw_images(name: str, sampler: str, count: int, seed: int) -> Iterator[Floats]:
    """Return an iterator over `count` new images `(C, H, W)`, float32 in [0, 1], from the prior.

    `seed` determines them; NumPy's generator draws other codes than PyTorch's.

    Raises:
        UserError: the network has no prior, or the sampler needs training images.
    """
    if sampler != "prior":
        raise UserError(
            f"--sampler: found {sampler!r}; allowed: prior, because ready networks have no "
            "training images, which other samplers are fitted to"
        )
    latents = {other: ready.card(other).latent for other in ready.names()}
    suitable = [other for other, latent in latents.items() if latent and latent.prior == PRIOR]
    if name not in suitable:
        raise UserError(f"{name} has no prior to draw from; allowed: {', '.join(suitable)}")
    coder, noise = ready_coder(name), np.random.default_rng(seed)
    batches = (min(BATCH, count - start) for start in range(0, count, BATCH))
    return (
        image
        for size in batches
        for image in coder.decode(noise.standard_normal((size, coder.latent_size), np.float32))
    )
