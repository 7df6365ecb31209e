"""Every figure of a variant: a function, and above it what its row of the table says.

A figure is a function of a trained variant, the numbers that were measured of it, and the settings.
Images are drawn as arrays, by `plots`, which knows nothing of variants.
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

REACH = 3.0  # standard deviations that a latent dimension is moved by, at most
SAMPLES = 100  # decoded from the prior
DRAWS = 50  # decoded from each fit to the codes
PRIOR_DRAWS = 10_000_000  # entries of latents that the prior is drawn by
INTERPOLATION_STEPS = 10
NOISY_IMAGES = 6  # shown under each noise level


Draw: TypeAlias = Callable[[Trained, Metrics, Figures], Figure]
Fits: TypeAlias = Callable[[Trained, Metrics], bool]


@dataclass(frozen=True)
class Drawing:
    """A row of the table: what a figure's file is called and shows, how it is drawn, when it fits.

    Both are asked of a variant and of what was measured of it. `train_images` and `test_images` are
    the fewest that it can be drawn from.
    """

    file: str
    caption: str
    draw: Draw
    fits: Fits
    train_images: int
    test_images: int

    def has_images(self, trained: Trained) -> bool:
        """Tell whether there are enough images; say which there are too few of."""
        for split, title in (("train", "training"), ("test", "test")):
            least, count = getattr(self, f"{split}_images"), len(trained.data.images(split))
            if count < least:
                why = f"it takes {least} {title} images or more, and there is {count}"
                report_omission(self.file, why)
                return False
        return True


TABLE: list[Drawing] = []  # in the order of the report


def figure(
    caption: str,
    fits: Fits = lambda trained, measured: True,
    train_images: int = 1,
    test_images: int = 1,
) -> Callable[[Draw], Draw]:
    """Add the function below as a row of the table; its file is called as it is."""

    def add(draw: Draw) -> Draw:
        file = f"{draw.__name__}.png"
        TABLE.append(Drawing(file, caption, draw, fits, train_images, test_images))
        return draw

    return add


@figure("What the encoder sees, what comes back, and the original")
def reconstructions(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Draw what the encoder sees, the best classical way back, the network's, the original."""
    seen, originals = trained.first_test_pairs(settings.images)
    predictions = {
        name.replace("_", " "): predict(seen)
        for name, predict in list(trained.input.yardsticks().items())[-1:]
    } | {"network": trained.model(seen)}
    captions = {
        name: [f"{psnr:.1f} dB" for psnr in image_quality.per_image(row, originals)["psnr"]]
        for name, row in predictions.items()
    }
    first_row = {} if isinstance(trained.input, Clean) else {"encoder sees": seen}
    rows = {**first_row, **predictions, "original": originals}
    return plots.image_rows(
        [{name: array(row) for name, row in rows.items()}],
        f"{trained.title}: reconstructions of test images",
        captions,
    )


@figure("Where the reconstruction is too bright or too dark")
def errors(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Draw the signed error of each reconstruction."""
    seen, originals = trained.first_test_pairs(settings.images)
    title = f"{trained.title}: reconstruction errors"
    return plots.error_maps(array(originals), array(trained.model(seen)), title)


@figure("Loss terms over the epochs, training and validation")
def curves(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Draw the loss terms over the epochs."""
    best = int(best_epoch(trained.history)["epoch"])
    units = trained.objective.units
    return plots.training_curves(trained.history, f"{trained.title}: training", best, units)


@figure(
    "Latents of the test images, by class; of more than two, the two principal components",
    fits=lambda trained, _: trained.latent_size > 1 and not trained.latent_holds_input,
)
def latent_plane(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Draw the test images' latents, or their two principal components, coloured by class."""
    labels, class_names = trained.data.labels("test").numpy(), trained.data.metadata.class_names
    title = f"{trained.title}: latents of the test images"
    if trained.latent_shape == (2,):
        return plots.latent_plane(
            array(trained.test_codes), labels, class_names, title, ("$z_1$", "$z_2$")
        )
    plane, shares = latent_experiments.principal_plane(trained.test_codes)
    first, second = (
        f"{name} principal component, {share:.0%} of the variance"
        for name, share in zip(("first", "second"), shares.tolist(), strict=True)
    )
    return plots.latent_plane(array(plane), labels, class_names, title, (first, second))


@figure(
    "The latent plane, decoded at quantiles of the prior",
    fits=lambda trained, _: trained.prior is not None and trained.latent_shape == (2,),
)
def manifold(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Decode a grid of latents at equal steps of the prior's probability."""
    prior = trained.prior
    assert prior is not None
    shares = torch.linspace(0.02, 0.98, settings.manifold_steps, dtype=torch.float64)
    quantiles = prior.quantiles(shares).float()
    z2, z1 = torch.meshgrid(quantiles, quantiles, indexing="ij")
    decoded = trained.decode(torch.stack([z1.flatten(), z2.flatten()], dim=1))
    axis, title = array(quantiles), f"{trained.title}: the decoded plane"
    return plots.manifold(array(decoded), axis, axis, title)


@figure(
    "One latent dimension moved at a time: those that change the image most",
    fits=lambda trained, _: not trained.latent_holds_input,
    test_images=2,
)
def perturbations(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Move one latent dimension of the first test image at a time and decode."""
    steps = torch.linspace(-REACH, REACH, settings.perturbation_steps)
    moved = latent_experiments.perturbations(
        trained.decode,
        trained.test_codes[0],
        trained.test_codes.std(dim=0),
        steps,
        settings.perturbed_dimensions,
    )
    rows = {
        f"z[{', '.join(map(str, one.index))}]\nchange {one.change:.2g}": array(one.images)
        for one in moved
    }
    captions = {list(rows)[-1]: [f"{step:.3g} std".replace("-", "−") for step in steps.tolist()]}
    title = f"{trained.title}: one latent dimension moved at a time, and the mean squared change"
    return plots.image_rows([rows], title, captions)


@figure(
    "From one test image to another, in the latent and in pixels",
    fits=lambda trained, _: not trained.latent_holds_input,
    test_images=2,
)
def interpolations(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Decode the ways between the latents of two images, beside the way between their pixels."""
    images, labels = trained.data.images("test"), trained.data.labels("test").numpy()
    chosen = pairs_of_classes(labels, settings.interpolated_pairs)
    weights = torch.linspace(0, 1, INTERPOLATION_STEPS)
    blocks = []
    for start, end in chosen.tolist():
        codes = trained.test_codes[start], trained.test_codes[end]
        originals = images[start] / 255, images[end] / 255
        straight = latent_experiments.linear(*codes, weights)
        along_arc = latent_experiments.spherical(*codes, weights)
        blocks.append(
            {
                "latent, linear": array(trained.decode(straight)),
                "latent, spherical": array(trained.decode(along_arc)),
                "pixels, linear": array(latent_experiments.linear(*originals, weights)),
            }
        )
    return plots.image_rows(blocks, f"{trained.title}: between two test images")


@figure("Decoded draws from the prior", fits=lambda trained, _: trained.prior is not None)
def samples(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Decode draws from the prior."""
    prior = trained.prior
    assert prior is not None
    latents = prior.draw((SAMPLES, *trained.latent_shape), trained.noise("figures/samples"))
    title = f"{trained.title}: decoded draws from the prior"
    return plots.sample_grids({"": array(trained.decode(latents))}, title)


@figure(
    "Decoded draws from a Gaussian and other distributions, fitted to training codes",
    fits=lambda trained, _: not trained.latent_holds_input,
    train_images=2,
)
def code_samples(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Decode draws of every sampler that is fitted to training codes, to the first of them."""
    codes = trained.codes("train", settings.fitted_codes)
    decoded = {}
    for name, kind in SAMPLERS.items():
        sampler = build(name, trained.prior, components=settings.mixture_components)
        if sampler is not None and kind.needs_codes:
            sampler.fit(codes)
            drawn = sampler.draw(DRAWS, trained.noise(f"figures/code_samples/{name}"))
            decoded[sampler.title] = array(trained.decode(drawn))
    return plots.sample_grids(
        decoded,
        f"{trained.title}: decoded draws from what was fitted to {len(codes):,} training codes",
    )


@figure(
    "The distribution of the codes against the prior",
    # Of a model with a posterior it is this that is drawn towards the prior.
    fits=lambda trained, _: trained.prior is not None and not trained.model.has_posterior,
    test_images=2,
)
def codes(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Draw the codes' distribution against draws from the prior."""
    prior = trained.prior
    assert prior is not None
    count = max(PRIOR_DRAWS // trained.latent_size, SAMPLES)
    drawn = prior.draw((count, *trained.latent_shape), trained.noise("figures/codes"))
    title = f"{trained.title}: codes of the test images and the prior"
    codes = array(trained.test_codes.flatten(1))
    plane = latent_experiments.viewed_plane(codes)
    return plots.code_distribution(codes, array(drawn.flatten(1)), plane, title)


@figure(
    "Quality under more noise, or less, than trained on",
    fits=lambda _, measured: "noise_sweep" in measured,
)
def noise_sweep(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Draw the PSNR that was measured under each noise level."""
    sweep = measured["noise_sweep"]
    psnr = {"network": sweep["psnr"]} | {
        name.replace("_", " "): values for name, values in sweep["yardsticks"].items()
    }
    title = f"{trained.title}: PSNR under noise, {sweep['n_images']:,} test images"
    return plots.noise_curves(sweep["levels"], psnr, training_noise_range(trained.input), title)


@figure(
    "What comes out under more noise, or less, than trained on",
    fits=lambda _, measured: "noise_sweep" in measured,
)
def noise_levels(trained: Trained, measured: Metrics, settings: Figures) -> Figure:
    """Draw what the encoder sees and what comes out under each noise level."""
    sweep, count = measured["noise_sweep"], min(NOISY_IMAGES, settings.images)
    low, high = training_noise_range(trained.input)
    rows = []
    for level, psnr in zip(sweep["levels"], sweep["psnr"], strict=True):
        seen, originals = trained.first_test_pairs(count, with_noise_level(trained.input, level))
        trained_on = ", as trained" if low <= level <= high else ""
        label = f"noise {level:g}{trained_on}"
        rows.append((label, array(seen), array(trained.model(seen)), f"{psnr:.1f} dB"))
    title = f"{trained.title}: under noise of several standard deviations"
    return plots.overview(array(originals), rows, title)


def array(values: Tensor) -> npt.NDArray[np.float32]:
    """Return numbers as they are drawn."""
    drawn: npt.NDArray[np.float32] = values.cpu().numpy()
    return drawn


def pairs_of_classes(labels: npt.NDArray[np.integer[Any]], count: int) -> npt.NDArray[np.int64]:
    """Return `(count, 2)` indices of neighbouring images, those of different classes first."""
    neighbours = np.arange(len(labels) // 2 * 2).reshape(-1, 2)
    differ = labels[neighbours[:, 0]] != labels[neighbours[:, 1]]
    return np.concatenate([neighbours[differ], neighbours[~differ]])[:count]


@torch.no_grad()
def draw(trained: Trained, measured: Metrics, settings: Figures, folder: Path) -> list[FigureFile]:
    """Draw every figure that fits a variant into a new `folder`; return their files and captions.

    One that there are too few images for is left out, which is said.
    """
    fitting = [drawing for drawing in TABLE if drawing.fits(trained, measured)]
    drawings = [drawing for drawing in fitting if drawing.has_images(trained)]
    with files.atomic_directory(folder) as temporary:
        for drawing in drawings:
            figure = drawing.draw(trained, measured, settings)
            plots.save(figure, temporary / drawing.file, trained.description.source)
    return [FigureFile(paths.relative_to_page(folder / one.file), one.caption) for one in drawings]
