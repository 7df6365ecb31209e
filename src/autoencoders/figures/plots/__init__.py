"""One function per figure: arrays in, `matplotlib.figure.Figure` out; `save` writes the PNG."""

from autoencoders.figures.plots.curves import noise_curves, training_curves
from autoencoders.figures.plots.images import (
    error_maps,
    image_rows,
    overview,
    sample_grids,
)
from autoencoders.figures.plots.latents import code_distribution, latent_plane, manifold
from autoencoders.figures.plots.style import save

__all__ = [
    "code_distribution",
    "error_maps",
    "image_rows",
    "latent_plane",
    "manifold",
    "noise_curves",
    "overview",
    "sample_grids",
    "save",
    "training_curves",
]
