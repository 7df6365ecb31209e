"""The table of figures: one function per figure, with its caption and its condition above it.

Each function takes a trained variant, its metrics and the settings. It computes arrays, which the
functions of `plots` draw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from autoencoders import files, paths
from autoencoders.errors import report_omission
from autoencoders.evaluation import image_quality
from autoencoders.evaluation.noise_sweep import training_noise_range, with_noise_level
from autoencoders.evaluation.results import Metrics
from autoencoders.figures import latent_experiments, plots
from autoencoders.figures.section import FigureFile
from autoencoders.figures.settings import Figures
from autoencoders.samplers import SAMPLERS
from autoencoders.samplers.build import build
from autoencoders.trained.variant import Trained, best_epoch
from autoencoders.variants.inputs import Clean

MAX_MOVEMENT = 3.0  # of a latent dimension, in standard deviations
PRIOR_SAMPLES = 100  # images decoded from the prior
FITTED_SAMPLES = 50  # images decoded from each distribution that is fitted to codes
PRIOR_ENTRIES = 10_000_000  # numbers in the sample that shows the prior's distribution
INTERPOLATION_STEPS = 10
NOISY_IMAGES = 6  # images at each noise level

Draw: TypeAlias = Callable[[Trained, Metrics, Figures], Figure]
Fits: TypeAlias = Callable[[Trained, Metrics], bool]


@dataclass(frozen=True)
class FigureSpec:
    """A row of the table.

    Attributes:
        file: file name of the figure.
        caption: caption of the figure in the report.
        draw: draws the figure of a variant.
        fits: returns whether the figure applies to a variant, given its metrics.
        train_images: minimum number of training images.
        test_images: minimum number of test images.
    """

    file: str
    caption: str
    draw: Draw
    fits: Fits
    train_images: int
    test_images: int

    def has_images(self, trained: Trained) -> bool:
        """Return whether there are enough images; print a message if not."""
        for split, title in (("train", "training"), ("test", "test")):
            minimum, count = getattr(self, f"{split}_images"), len(trained.data.images(split))
            if count < minimum:
                why = f"it needs at least {minimum} {title} images; found {count}"
                report_omission(self.file, why)
                return False
        return True


TABLE: list[FigureSpec] = []  # in the order of the report


def figure(
    caption: str,
    fits: Fits = lambda trained, metrics: True,
    train_images: int = 1,
    test_images: int = 1,
) -> Callable[[Draw], Draw]:
    """Return a decorator that adds a function to the table; the file has the function's name."""

    def add(draw: Draw) -> Draw:
        file = f"{draw.__name__}.png"
        TABLE.append(FigureSpec(file, caption, draw, fits, train_images, test_images))
        return draw

    return add


@figure("Reconstructions of test images, with the PSNR of each image")
def reconstructions(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw encoder inputs, the last yardstick of the input, reconstructions and originals."""
    inputs, originals = trained.first_test_pairs(settings.images)
    predictions = {
        name.replace("_", " "): predict(inputs)
        for name, predict in list(trained.input.yardsticks().items())[-1:]
    } | {"network": trained.model(inputs)}
    captions = {
        name: [f"{psnr:.1f} dB" for psnr in image_quality.per_image(row, originals)["psnr"]]
        for name, row in predictions.items()
    }
    first_row = {} if isinstance(trained.input, Clean) else {"encoder input": inputs}
    rows = {**first_row, **predictions, "original": originals}
    return plots.image_rows(
        [{name: to_array(row) for name, row in rows.items()}],
        f"{trained.title}: reconstructions of test images",
        captions,
    )


@figure("Reconstruction errors: red pixels are too bright, blue pixels are too dark")
def errors(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw the signed error of each reconstruction."""
    inputs, originals = trained.first_test_pairs(settings.images)
    title = f"{trained.title}: reconstruction errors of test images"
    return plots.error_maps(to_array(originals), to_array(trained.model(inputs)), title)


@figure("Training curves; the dotted line marks the epoch with the lowest validation loss")
def curves(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw the loss terms, the learning rate and the gradient norm over the epochs."""
    best = int(best_epoch(trained.history)["epoch"])
    units = trained.objective.units
    return plots.training_curves(trained.history, f"{trained.title}: training", best, units)


@figure(
    "Latents of the test images by class; for more than two dimensions, their principal components",
    fits=lambda trained, _: trained.latent_size > 1 and not trained.latent_holds_input,
)
def latent_plane(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw the latents of the test images, or their first two principal components."""
    labels, class_names = trained.data.labels("test").numpy(), trained.data.metadata.class_names
    title = f"{trained.title}: latents of the test images"
    if trained.latent_shape == (2,):
        return plots.latent_plane(
            to_array(trained.test_codes), labels, class_names, title, ("$z_1$", "$z_2$")
        )
    plane, shares = latent_experiments.principal_plane(trained.test_codes)
    first, second = (
        f"{name} principal component, {share:.0%} of the variance"
        for name, share in zip(("first", "second"), shares.tolist(), strict=True)
    )
    return plots.latent_plane(to_array(plane), labels, class_names, title, (first, second))


@figure(
    "Images decoded from a grid of latents, at equally spaced probabilities of the prior",
    fits=lambda trained, _: trained.prior is not None and trained.latent_shape == (2,),
)
def manifold(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Decode a grid of latents at quantiles of the prior for equally spaced probabilities."""
    prior = trained.prior
    assert prior is not None
    probabilities = torch.linspace(0.02, 0.98, settings.manifold_steps, dtype=torch.float64)
    quantiles = prior.quantiles(probabilities).float()
    z2, z1 = torch.meshgrid(quantiles, quantiles, indexing="ij")
    decoded = trained.decode(torch.stack([z1.flatten(), z2.flatten()], dim=1))
    axis, title = to_array(quantiles), f"{trained.title}: images decoded from a grid of latents"
    return plots.manifold(to_array(decoded), axis, axis, title)


@figure(
    "One latent dimension changed at a time, with the mean squared change of the image",
    fits=lambda trained, _: not trained.latent_holds_input,
    test_images=2,
)
def perturbations(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Move one latent dimension of the first test image at a time, and decode."""
    steps = torch.linspace(-MAX_MOVEMENT, MAX_MOVEMENT, settings.perturbation_steps)
    moved = latent_experiments.perturbations(
        trained.decode,
        trained.test_codes[0],
        trained.test_codes.std(dim=0),
        steps,
        settings.perturbed_dimensions,
    )
    rows = {
        f"z[{', '.join(map(str, one.index))}]\nchange {one.change:.2g}": to_array(one.images)
        for one in moved
    }
    captions = {list(rows)[-1]: [f"{step:.3g} std".replace("-", "−") for step in steps.tolist()]}
    title = f"{trained.title}: one latent dimension changed at a time"
    return plots.image_rows([rows], title, captions)


@figure(
    "Interpolation between two test images, in the latent space and in pixel space",
    fits=lambda trained, _: not trained.latent_holds_input,
    test_images=2,
)
def interpolations(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw interpolations between the latents of two images, and between their pixels."""
    images, labels = trained.data.images("test"), trained.data.labels("test").numpy()
    pairs = neighbour_pairs(labels, settings.interpolated_pairs)
    weights = torch.linspace(0, 1, INTERPOLATION_STEPS)
    blocks = []
    for start, end in pairs.tolist():
        codes = trained.test_codes[start], trained.test_codes[end]
        originals = images[start] / 255, images[end] / 255
        straight = latent_experiments.interpolate_linearly(*codes, weights)
        along_arc = latent_experiments.interpolate_spherically(*codes, weights)
        blocks.append(
            {
                "latent, linear": to_array(trained.decode(straight)),
                "latent, spherical": to_array(trained.decode(along_arc)),
                "pixels, linear": to_array(
                    latent_experiments.interpolate_linearly(*originals, weights)
                ),
            }
        )
    return plots.image_rows(blocks, f"{trained.title}: interpolation between two test images")


@figure(
    "Images decoded from random samples of the prior",
    fits=lambda trained, _: trained.prior is not None,
)
def samples(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Decode samples of the prior."""
    prior = trained.prior
    assert prior is not None
    latents = prior.draw((PRIOR_SAMPLES, *trained.latent_shape), trained.noise("figures/samples"))
    title = f"{trained.title}: images decoded from samples of the prior"
    return plots.sample_grids({"": to_array(trained.decode(latents))}, title)


@figure(
    "Images decoded from random samples of distributions that are fitted to training codes",
    fits=lambda trained, _: not trained.latent_holds_input,
    train_images=2,
)
def code_samples(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Decode samples of every sampler that is fitted to training codes."""
    codes = trained.codes("train", settings.fitted_codes)
    decoded = {}
    for name, kind in SAMPLERS.items():
        sampler = build(name, trained.prior, components=settings.mixture_components)
        if sampler is not None and kind.needs_codes:
            sampler.fit(codes)
            drawn = sampler.draw(FITTED_SAMPLES, trained.noise(f"figures/code_samples/{name}"))
            decoded[sampler.title] = to_array(trained.decode(drawn))
    fitted_to = f"distributions fitted to {len(codes):,} training codes"
    return plots.sample_grids(decoded, f"{trained.title}: images decoded from {fitted_to}")


@figure(
    "Distribution of the codes of the test images, compared with the prior",
    # In a model with a posterior, the posterior is trained to match the prior, not the codes.
    fits=lambda trained, _: trained.prior is not None and not trained.model.has_posterior,
    test_images=2,
)
def codes(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw the distribution of the codes and of samples of the prior."""
    prior = trained.prior
    assert prior is not None
    count = max(PRIOR_ENTRIES // trained.latent_size, PRIOR_SAMPLES)
    drawn = prior.draw((count, *trained.latent_shape), trained.noise("figures/codes"))
    title = f"{trained.title}: codes of the test images and the prior"
    codes = to_array(trained.test_codes.flatten(1))
    directions = latent_experiments.plane_directions(codes)
    return plots.code_distribution(codes, to_array(drawn.flatten(1)), directions, title)


@figure(
    "PSNR at several noise levels of the encoder input",
    fits=lambda _, metrics: "noise_sweep" in metrics,
)
def noise_sweep(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw the measured PSNR at each noise level."""
    sweep = metrics["noise_sweep"]
    psnr = {"network": sweep["psnr"]} | {
        name.replace("_", " "): values for name, values in sweep["yardsticks"].items()
    }
    title = f"{trained.title}: PSNR at several noise levels, {sweep['n_images']:,} test images"
    return plots.noise_curves(sweep["levels"], psnr, training_noise_range(trained.input), title)


@figure(
    "Encoder inputs and reconstructions at several noise levels",
    fits=lambda _, metrics: "noise_sweep" in metrics,
)
def noise_levels(trained: Trained, metrics: Metrics, settings: Figures) -> Figure:
    """Draw encoder inputs and reconstructions at each noise level."""
    sweep, count = metrics["noise_sweep"], min(NOISY_IMAGES, settings.images)
    low, high = training_noise_range(trained.input)
    rows = []
    for level, psnr in zip(sweep["levels"], sweep["psnr"], strict=True):
        inputs, originals = trained.first_test_pairs(count, with_noise_level(trained.input, level))
        in_training = " (training)" if low <= level <= high else ""
        label, caption = f"noise {level:g}{in_training}", f"PSNR {psnr:.1f} dB"
        rows.append((label, to_array(inputs), to_array(trained.model(inputs)), caption))
    title = f"{trained.title}: reconstructions at several standard deviations of the noise"
    return plots.overview(to_array(originals), rows, title)


def to_array(values: Tensor) -> npt.NDArray[np.float32]:
    """Return a tensor of any shape as an array on the CPU."""
    values_on_cpu: npt.NDArray[np.float32] = values.cpu().numpy()
    return values_on_cpu


def neighbour_pairs(labels: npt.NDArray[np.integer[Any]], count: int) -> npt.NDArray[np.int64]:
    """Return indices `(count, 2)` of pairs of successive images, first those of two classes."""
    neighbours = np.arange(len(labels) // 2 * 2).reshape(-1, 2)
    differ = labels[neighbours[:, 0]] != labels[neighbours[:, 1]]
    return np.concatenate([neighbours[differ], neighbours[~differ]])[:count]


@torch.no_grad()
def draw(trained: Trained, metrics: Metrics, settings: Figures, folder: Path) -> list[FigureFile]:
    """Draw every figure that fits a variant into a new `folder`; return the files and captions.

    A figure that needs more images than exist is left out with a message.
    """
    fitting = [spec for spec in TABLE if spec.fits(trained, metrics)]
    specs = [spec for spec in fitting if spec.has_images(trained)]
    with files.atomic_directory(folder) as temporary:
        for spec in specs:
            figure = spec.draw(trained, metrics, settings)
            plots.save(figure, temporary / spec.file, trained.description.source)
    return [FigureFile(paths.relative_to_page(folder / spec.file), spec.caption) for spec in specs]
