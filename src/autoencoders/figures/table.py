"""Every figure of a variant: its function, and its row of the table at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autoencoders import samplers as registry
from autoencoders.evaluation import image_quality
from autoencoders.evaluation.noise_sweep import HasNoise, at_level
from autoencoders.figures import latent_experiments
from autoencoders.figures.shown import Shown, array
from autoencoders.keys import AtLeastTwo, Bytes, Count
from autoencoders.lazy import LazyModule, torch
from autoencoders.samplers import SAMPLERS
from autoencoders.variants.inputs import Clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from autoencoders.figures import plots
else:
    plots = LazyModule("autoencoders.figures.plots")  # matplotlib takes a second to import

REACH = 3.0  # standard deviations that a latent dimension is moved by, at most
SAMPLES = 100  # decoded from the prior
DRAWS = 50  # decoded from each fit to the codes
PRIOR_DRAWS = 10_000_000  # entries of latents that the prior is drawn by
INTERPOLATION_STEPS = 10
NOISY_IMAGES = 6  # shown under each noise level


@dataclass(frozen=True)
class Drawing:
    """A row of the table: what a figure's file is called and shows, when it fits, how it is drawn.

    `draw` may take settings from params.yaml as keyword-only arguments. `train_images` and
    `test_images` are the fewest that it can be drawn from.
    """

    file: str
    caption: str
    fits: Callable[[Shown], bool]
    draw: "Callable[..., Figure]"
    train_images: int = 1
    test_images: int = 1

    def lacks(self, shown: Shown) -> str:
        """Return in words which images there are too few of; nothing where there are enough."""
        for split, images, least in (
            ("training", shown.train, self.train_images),
            ("test", shown.test, self.test_images),
        ):
            if len(images) < least:
                return f"it takes {least} {split} images or more, and there is {len(images)}"
        return ""


def reconstructions(shown: Shown, *, images: Count) -> "Figure":
    """Draw what the encoder sees, the best classical way back, the network's, the original."""
    seen, originals = shown.first(images)
    predictions = {
        name.replace("_", " "): predict(seen)
        for name, predict in list(shown.assembled.input.yardsticks().items())[-1:]
    } | {"network": shown.assembled.model(seen)}
    captions = {
        name: [f"{psnr:.1f} dB" for psnr in image_quality.per_image(row, originals)["psnr"]]
        for name, row in predictions.items()
    }
    first_row = {} if isinstance(shown.assembled.input, Clean) else {"encoder sees": seen}
    rows = {**first_row, **predictions, "original": originals}
    return plots.image_rows(
        {name: array(row) for name, row in rows.items()},
        f"{shown.title}: reconstructions of test images",
        captions,
    )


def errors(shown: Shown, *, images: Count) -> "Figure":
    """Draw the signed error of each reconstruction."""
    seen, originals = shown.first(images)
    title = f"{shown.title}: reconstruction errors"
    return plots.error_maps(array(originals), shown.predict(seen), title)


def curves(shown: Shown) -> "Figure":
    """Draw the loss terms over the epochs."""
    from autoencoders.trained.variant import best_epoch

    best = int(best_epoch(shown.history)["epoch"])
    units = shown.assembled.objective.units
    return plots.training_curves(shown.history, f"{shown.title}: training", best, units)


def latent_plane(shown: Shown) -> "Figure":
    """Draw the test images' latents, or their two principal components, coloured by class."""
    title = f"{shown.title}: latents of the test images"
    if shown.latent_shape == (2,):
        return plots.latent_plane(
            array(shown.codes), shown.labels, shown.class_names, title, ("$z_1$", "$z_2$")
        )
    plane, shares = latent_experiments.principal_plane(shown.codes)
    first, second = (
        f"{name} principal component, {share:.0%} of the variance"
        for name, share in zip(("first", "second"), shares.tolist(), strict=True)
    )
    return plots.latent_plane(array(plane), shown.labels, shown.class_names, title, (first, second))


def manifold(shown: Shown, *, manifold_steps: AtLeastTwo) -> "Figure":
    """Decode a grid of latents at equal steps of the prior's probability."""
    prior = shown.assembled.objective.prior
    assert prior is not None
    shares = torch.linspace(0.02, 0.98, manifold_steps, dtype=torch.float64)
    quantiles = prior.quantiles(shares).float()
    z2, z1 = torch.meshgrid(quantiles, quantiles, indexing="ij")
    decoded = shown.decode(torch.stack([z1.flatten(), z2.flatten()], dim=1))
    axis, title = array(quantiles), f"{shown.title}: the decoded plane"
    return plots.manifold(array(decoded), axis, axis, title)


def perturbations(
    shown: Shown, *, perturbed_dimensions: Count, perturbation_steps: AtLeastTwo
) -> "Figure":
    """Move one latent dimension of the first test image at a time and decode."""
    steps = torch.linspace(-REACH, REACH, perturbation_steps)
    moved = latent_experiments.perturbations(
        shown.decode, shown.codes[0], shown.codes.std(dim=0), steps, perturbed_dimensions
    )
    rows = {
        f"z[{', '.join(map(str, one.index))}]\nchange {one.change:.2g}": array(one.images)
        for one in moved
    }
    captions = {list(rows)[-1]: [f"{step:.3g} std".replace("-", "−") for step in steps.tolist()]}
    title = f"{shown.title}: one latent dimension moved at a time, and the mean squared change"
    return plots.image_rows(rows, title, captions)


def interpolations(shown: Shown, *, interpolated_pairs: Count) -> "Figure":
    """Decode the ways between the latents of two images, beside the way between their pixels."""
    chosen = pairs_of_classes(shown.labels, interpolated_pairs)
    weights = torch.linspace(0, 1, INTERPOLATION_STEPS)
    blocks = []
    for start, end in chosen.tolist():
        codes = shown.codes[start], shown.codes[end]
        originals = shown.test[start] / 255, shown.test[end] / 255
        straight = latent_experiments.linear(*codes, weights)
        along_arc = latent_experiments.spherical(*codes, weights)
        blocks.append(
            {
                "latent, linear": array(shown.decode(straight)),
                "latent, spherical": array(shown.decode(along_arc)),
                "pixels, linear": array(latent_experiments.linear(*originals, weights)),
            }
        )
    return plots.row_blocks(blocks, f"{shown.title}: between two test images")


def samples(shown: Shown) -> "Figure":
    """Decode draws from the prior."""
    prior = shown.assembled.objective.prior
    assert prior is not None
    latents = prior.draw((SAMPLES, *shown.latent_shape), shown.noise("samples"))
    title = f"{shown.title}: decoded draws from the prior"
    return plots.sample_grid(array(shown.decode(latents)), title)


def code_samples(shown: Shown, *, fitted_codes: AtLeastTwo, mixture_components: Count) -> "Figure":
    """Decode draws of every sampler that is fitted to training codes, to the first of them."""
    codes = shown.train_codes(fitted_codes)
    decoded = {}
    for name, kind in SAMPLERS.items():
        sampler = registry.build(
            name, shown.assembled.objective.prior, components=mixture_components
        )
        if sampler is not None and kind.needs_codes:
            sampler.fit(codes)
            drawn = sampler.draw(DRAWS, shown.noise(f"code_samples/{name}"))
            decoded[sampler.title] = array(shown.decode(drawn))
    return plots.sample_grids(
        decoded,
        f"{shown.title}: decoded draws from what was fitted to {len(codes):,} training codes",
    )


def codes(shown: Shown) -> "Figure":
    """Draw the codes' distribution against draws from the prior."""
    prior = shown.assembled.objective.prior
    assert prior is not None
    count = max(PRIOR_DRAWS // shown.latent_size, SAMPLES)
    drawn = prior.draw((count, *shown.latent_shape), shown.noise("codes"))
    title = f"{shown.title}: codes of the test images and the prior"
    return plots.code_distribution(array(shown.codes.flatten(1)), array(drawn.flatten(1)), title)


def noise_sweep(shown: Shown) -> "Figure":
    """Draw the PSNR that was measured under each noise level."""
    sweep = shown.measured["noise_sweep"]
    psnr = {"network": sweep["psnr"]} | {
        name.replace("_", " "): values for name, values in sweep["yardsticks"].items()
    }
    title = f"{shown.title}: PSNR under noise, {sweep['n_images']:,} test images"
    return plots.noise_curves(sweep["levels"], psnr, _trained_on(shown), title)


def noise_levels(shown: Shown, *, images: Count) -> "Figure":
    """Draw what the encoder sees and what comes out under each noise level."""
    sweep, count = shown.measured["noise_sweep"], min(NOISY_IMAGES, images)
    low, high = _trained_on(shown)
    rows = []
    for level, psnr in zip(sweep["levels"], sweep["psnr"], strict=True):
        seen, originals = shown.first(count, at_level(shown.assembled.input, level))
        trained_on = ", as trained" if low <= level <= high else ""
        label = f"noise {level:g}{trained_on}"
        rows.append((label, array(seen), shown.predict(seen), f"{psnr:.1f} dB"))
    title = f"{shown.title}: under noise of several standard deviations"
    return plots.overview(array(originals), rows, title)


def _trained_on(shown: Shown) -> tuple[float, float]:
    """Return between which standard deviations of the noise the variant was trained."""
    input = shown.assembled.input
    if isinstance(input, HasNoise) and isinstance(input.std, list):
        return input.std[0], input.std[1]
    at: float = shown.measured["noise_sweep"]["trained_at"]
    return at, at


def pairs_of_classes(labels: Bytes, count: int) -> npt.NDArray[np.int64]:
    """Return `(count, 2)` indices of neighbouring images, those of different classes first."""
    neighbours = np.arange(len(labels) // 2 * 2).reshape(-1, 2)
    differ = labels[neighbours[:, 0]] != labels[neighbours[:, 1]]
    return np.concatenate([neighbours[differ], neighbours[~differ]])[:count]


def always(shown: Shown) -> bool:
    """Tell that a figure fits every variant."""
    return True


def has_latent(shown: Shown) -> bool:
    """Tell whether the latent is more than the input itself: else it is hardly one."""
    return not shown.assembled.model.latent_holds_input


def has_plane(shown: Shown) -> bool:
    """Tell whether a latent has two numbers, or more to choose two from."""
    return has_latent(shown) and shown.latent_size > 1


def has_prior(shown: Shown) -> bool:
    """Tell whether latents were drawn towards a prior."""
    return shown.assembled.objective.prior is not None


def has_prior_plane(shown: Shown) -> bool:
    """Tell whether the prior is one of two dimensions."""
    return has_prior(shown) and shown.latent_shape == (2,)


def has_prior_of_codes(shown: Shown) -> bool:
    """Tell whether the codes themselves were drawn towards the prior, and no posterior of them."""
    return has_prior(shown) and not shown.assembled.model.has_posterior


def has_noise_sweep(shown: Shown) -> bool:
    """Tell whether the variant was measured under several levels of noise."""
    return "noise_sweep" in shown.measured


# In the order of the report.
TABLE = (
    Drawing(
        "reconstructions.png",
        "What the encoder sees, what comes back, and the original",
        always,
        reconstructions,
    ),
    Drawing("errors.png", "Where the reconstruction is too bright or too dark", always, errors),
    Drawing("curves.png", "Loss terms over the epochs, training and validation", always, curves),
    Drawing(
        "latent_plane.png",
        "Latents of the test images, by class; of more than two, the two principal components",
        has_plane,
        latent_plane,
    ),
    Drawing(
        "manifold.png",
        "The latent plane, decoded at quantiles of the prior",
        has_prior_plane,
        manifold,
    ),
    Drawing(
        "perturbations.png",
        "One latent dimension moved at a time: those that change the image most",
        has_latent,
        perturbations,
        test_images=2,
    ),
    Drawing(
        "interpolations.png",
        "From one test image to another, in the latent and in pixels",
        has_latent,
        interpolations,
        test_images=2,
    ),
    Drawing("samples.png", "Decoded draws from the prior", has_prior, samples),
    Drawing(
        "code_samples.png",
        "Decoded draws from a Gaussian and other distributions, fitted to training codes",
        has_latent,
        code_samples,
        train_images=2,
    ),
    Drawing(
        "codes.png",
        "The distribution of the codes against the prior",
        has_prior_of_codes,
        codes,
        test_images=2,
    ),
    Drawing(
        "noise_sweep.png",
        "Quality under more noise, or less, than trained on",
        has_noise_sweep,
        noise_sweep,
    ),
    Drawing(
        "noise_levels.png",
        "What comes out under more noise, or less, than trained on",
        has_noise_sweep,
        noise_levels,
    ),
)
