"""One function per figure: arrays in, `matplotlib.figure.Figure` out; `save` writes the PNG."""

from autoencoders.figures.curves import training_curves
from autoencoders.figures.images import error_maps, image_rows, overview, sample_grid
from autoencoders.figures.latents import code_distribution, latent_plane, manifold
from autoencoders.figures.style import save

__all__ = [
    "code_distribution",
    "error_maps",
    "image_rows",
    "latent_plane",
    "manifold",
    "overview",
    "sample_grid",
    "save",
    "training_curves",
]
