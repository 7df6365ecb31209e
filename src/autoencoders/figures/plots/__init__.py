"""One function per figure, from arrays to a `matplotlib.figure.Figure`; `save` writes a PNG."""

from autoencoders.figures.plots.curves import noise_curves as noise_curves
from autoencoders.figures.plots.curves import training_curves as training_curves
from autoencoders.figures.plots.images import error_maps as error_maps
from autoencoders.figures.plots.images import image_rows as image_rows
from autoencoders.figures.plots.images import overview as overview
from autoencoders.figures.plots.images import sample_grids as sample_grids
from autoencoders.figures.plots.latents import code_distribution as code_distribution
from autoencoders.figures.plots.latents import latent_plane as latent_plane
from autoencoders.figures.plots.latents import manifold as manifold
from autoencoders.figures.plots.style import save as save
