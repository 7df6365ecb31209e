"""A trained variant's pictures; which ones depends on its three parts, never on its name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from autoencoders import figures, files, latent_experiments, paths, randomness, trained
from autoencoders.data import splits
from autoencoders.evaluation import metrics
from autoencoders.evaluation.noise_sweep import at_level
from autoencoders.evaluation.predictions import first_pairs, pairs
from autoencoders.inputs import Clean
from autoencoders.objectives import Adversarial
from autoencoders.params import Figures, Params
from autoencoders.stages.common import images, load_metrics, prepared_data, variant_of
from autoencoders.tracking import DataUsed, StageIdentity, StageRun

ENCODING_BATCH = 1000

# What each file shows, in the order of the report.
CAPTIONS = {
    "reconstructions.png": "What the encoder sees, what comes back, and the original",
    "errors.png": "Where the reconstruction is too bright or too dark",
    "curves.png": "Loss terms over the epochs, training and validation",
    "latent_plane.png": "Latents of the test images, by class; of more than two, the two principal "
    "components",
    "manifold.png": "The latent plane, decoded at quantiles of the prior",
    "perturbations.png": "One latent dimension moved at a time: those that change the image most",
    "interpolations.png": "From one test image to another, in the latent and in pixels",
    "samples.png": "Decoded draws from the prior",
    "code_samples.png": "Decoded draws from a Gaussian and a mixture, fitted to training codes",
    "codes.png": "The distribution of the codes against the prior",
    "noise_sweep.png": "Quality under more noise, or less, than trained on",
    "noise_levels.png": "What comes out under more noise, or less, than trained on",
}

REACH = 3.0  # standard deviations that a latent dimension is moved by, at most
DRAWS = 50  # decoded from each fit to the codes
INTERPOLATION_STEPS = 10
NOISY_IMAGES = 6  # shown under each noise level

UNITS = {"reconstruction": "nats per image", "kl": "nats per image"}


@dataclass(frozen=True)
class Shown:
    """What a variant's figures are drawn from."""

    title: str
    description: trained.Description
    networks: trained.Networks
    history: pd.DataFrame
    test: Tensor  # uint8 (N, C, H, W)
    labels: npt.NDArray[np.uint8]
    class_names: tuple[str, ...]
    seen: Tensor  # (n, C, h, w), of the first test images
    originals: Tensor  # (n, C, H, W)
    measured: dict[str, Any]  # the metrics file's content
    settings: Figures

    @cached_property
    def codes(self) -> Tensor:
        """Return the latents of all test images, `(N, *latent_shape)`."""
        return _encode(self.description, self.networks, self.test, "test")


def used_params(params: Params, item: StageIdentity) -> dict[str, Any]:
    """Return the figures' settings; the variant's own are in the model's folder."""
    return params.figures.model_dump(mode="json")


def data_used(item: StageIdentity) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: StageIdentity) -> list[Path]:
    """Return the folder of figures."""
    return [paths.figures(*variant_of(item))]


@torch.no_grad()
def produce(params: Params, item: StageIdentity, run: StageRun) -> str:
    """Draw every figure that fits the variant."""
    shown = _load(params, *variant_of(item))
    drawings = _choose(shown)
    with files.atomic_directory(outputs(item)[0]) as folder:
        for name, draw in drawings.items():
            figures.save(draw(shown), folder / name, shown.description.source)
    return f"{len(drawings)} figures in {outputs(item)[0]}"


def log(item: StageIdentity, run: StageRun) -> None:
    """Log the figures."""
    run.log(artifacts=sorted(outputs(item)[0].glob("*.png")))


def _load(params: Params, dataset: str, variant: str) -> Shown:
    folder = paths.model(dataset, variant)
    description, networks = trained.load(folder)
    test = images(dataset, "test")
    metadata = splits.load_metadata(paths.prepared(dataset))
    count = params.figures.images
    seen, originals = first_pairs(networks.corruption, test, description.seed, "test", count)
    return Shown(
        title=f"{metadata.title}, {variant}",
        description=description,
        networks=networks,
        history=trained.load_history(folder),
        test=test,
        labels=splits.load(paths.prepared(dataset), "test", mmap=True)[1],
        class_names=metadata.class_names,
        seen=seen,
        originals=originals,
        measured=load_metrics(dataset, variant),
        settings=params.figures,
    )


def _choose(shown: Shown) -> dict[str, Callable[[Shown], Figure]]:
    """Return the drawings that fit the variant's latent and objective, by file name."""
    objective = shown.networks.objective
    latent_shape = shown.networks.model.latent_shape
    planar, swept = latent_shape == (2,), "noise_sweep" in shown.measured
    latent = not shown.networks.model.latent_holds_input  # else it is hardly one
    fitting = {
        "reconstructions.png": (reconstructions, True),
        "errors.png": (errors, True),
        "curves.png": (curves, True),
        "latent_plane.png": (latent_plane, latent and prod(latent_shape) > 1),
        "manifold.png": (manifold, planar and objective.has_prior),
        "perturbations.png": (perturbations, latent),
        "interpolations.png": (interpolations, latent),
        "samples.png": (samples, objective.has_prior),
        "code_samples.png": (code_samples, latent),
        "codes.png": (codes, isinstance(objective, Adversarial)),
        "noise_sweep.png": (noise_sweep, swept),
        "noise_levels.png": (noise_levels, swept),
    }
    return {name: draw for name, (draw, fits) in fitting.items() if fits}


def reconstructions(shown: Shown) -> Figure:
    """Draw what the encoder sees, the best classical way back, the network's, the original."""
    predictions = {
        name.replace("_", " "): predict(shown.seen)
        for name, predict in list(shown.networks.corruption.yardsticks().items())[-1:]
    } | {"network": shown.networks.model(shown.seen)}
    captions = {
        name: [f"{psnr:.1f} dB" for psnr in metrics.per_image(row, shown.originals)["psnr"]]
        for name, row in predictions.items()
    }
    seen = {} if isinstance(shown.networks.corruption, Clean) else {"encoder sees": shown.seen}
    rows = {**seen, **predictions, "original": shown.originals}
    return figures.image_rows(
        {name: row.numpy() for name, row in rows.items()},
        f"{shown.title}: reconstructions of test images",
        captions,
    )


def errors(shown: Shown) -> Figure:
    """Draw the signed error of each reconstruction."""
    reconstructed = shown.networks.model(shown.seen).numpy()
    title = f"{shown.title}: reconstruction errors"
    return figures.error_maps(shown.originals.numpy(), reconstructed, title)


def curves(shown: Shown) -> Figure:
    """Draw the loss terms over the epochs."""
    best = int(trained.best_epoch(shown.history)["epoch"])
    return figures.training_curves(shown.history, f"{shown.title}: training", best, UNITS)


def latent_plane(shown: Shown) -> Figure:
    """Draw the test images' latents, or their two principal components, coloured by class."""
    title = f"{shown.title}: latents of the test images"
    if shown.networks.model.latent_shape == (2,):
        return figures.latent_plane(
            shown.codes.numpy(), shown.labels, shown.class_names, title, ("$z_1$", "$z_2$")
        )
    plane, shares = latent_experiments.principal_plane(shown.codes)
    first, second = (
        f"{name} principal component, {share:.0%} of the variance"
        for name, share in zip(("first", "second"), shares.tolist(), strict=True)
    )
    return figures.latent_plane(
        plane.numpy(), shown.labels, shown.class_names, title, (first, second)
    )


def manifold(shown: Shown) -> Figure:
    """Decode a grid of latents at equal steps of the prior's probability."""
    shares = torch.linspace(0.02, 0.98, shown.settings.manifold_steps, dtype=torch.float64)
    quantiles = torch.special.ndtri(shares).float()
    z2, z1 = torch.meshgrid(quantiles, quantiles, indexing="ij")
    decoded = _decode(shown, torch.stack([z1.flatten(), z2.flatten()], dim=1))
    axis, title = quantiles.numpy(), f"{shown.title}: the decoded plane"
    return figures.manifold(decoded.numpy(), axis, axis, title)


def perturbations(shown: Shown) -> Figure:
    """Move one latent dimension of the first test image at a time and decode."""
    settings = shown.settings
    steps = torch.linspace(-REACH, REACH, settings.perturbation_steps)
    moved = latent_experiments.perturbations(
        partial(_decode, shown),
        shown.codes[0],
        shown.codes.std(dim=0),
        steps,
        settings.perturbed_dimensions,
    )
    rows = {
        f"z[{', '.join(map(str, one.index))}]\nchange {one.change:.2g}": one.images.numpy()
        for one in moved
    }
    captions = {list(rows)[-1]: [f"{step:.3g} std".replace("-", "−") for step in steps.tolist()]}
    title = f"{shown.title}: one latent dimension moved at a time, and the mean squared change"
    return figures.image_rows(rows, title, captions)


def interpolations(shown: Shown) -> Figure:
    """Decode the ways between the latents of two images, beside the way between their pixels."""
    chosen = _pairs_of_classes(shown.labels, shown.settings.interpolated_pairs)
    weights = torch.linspace(0, 1, INTERPOLATION_STEPS)
    blocks = []
    for start, end in chosen.tolist():
        codes = shown.codes[start], shown.codes[end]
        originals = shown.test[start] / 255, shown.test[end] / 255
        blocks.append(
            {
                "latent, linear": _decode(
                    shown, latent_experiments.linear(*codes, weights)
                ).numpy(),
                "latent, spherical": _decode(
                    shown, latent_experiments.spherical(*codes, weights)
                ).numpy(),
                "pixels, linear": latent_experiments.linear(*originals, weights).numpy(),
            }
        )
    return figures.row_blocks(blocks, f"{shown.title}: between two test images")


def samples(shown: Shown) -> Figure:
    """Decode draws from the prior."""
    noise = randomness.noise(shown.description.seed, "figures/samples")
    latents = noise.normal((100, *shown.networks.model.latent_shape))
    decoded = _decode(shown, latents).numpy()
    return figures.sample_grid(decoded, f"{shown.title}: decoded draws from the prior")


def code_samples(shown: Shown) -> Figure:
    """Decode draws from a Gaussian and from a mixture of Gaussians, fitted to training codes."""
    description, components = shown.description, shown.settings.mixture_components
    train = images(description.dataset, "train")[: shown.settings.fitted_codes]
    codes = _encode(description, shown.networks, train, "train")
    noise = randomness.noise(description.seed, "figures/code_samples")
    latents = {
        "a Gaussian": latent_experiments.gaussian_draws(codes, noise, DRAWS),
        f"a mixture of {components} Gaussians, one after the other": (
            latent_experiments.mixture_draws(codes, components, noise, description.seed, DRAWS)
        ),
    }
    return figures.sample_grids(
        {heading: _decode(shown, drawn).numpy() for heading, drawn in latents.items()},
        f"{shown.title}: decoded draws from what was fitted to {len(codes):,} training codes",
    )


def codes(shown: Shown) -> Figure:
    """Draw the codes' distribution against the prior."""
    title = f"{shown.title}: codes of the test images and the prior"
    return figures.code_distribution(shown.codes.flatten(1).numpy(), title)


def noise_sweep(shown: Shown) -> Figure:
    """Draw the PSNR that was measured under each noise level."""
    sweep = shown.measured["noise_sweep"]
    psnr = {"network": sweep["psnr"]} | {
        name.replace("_", " "): values for name, values in sweep["yardsticks"].items()
    }
    title = f"{shown.title}: PSNR under noise, {sweep['n_images']:,} test images"
    return figures.noise_curves(sweep["levels"], psnr, sweep["trained_at"], title)


def noise_levels(shown: Shown) -> Figure:
    """Draw what the encoder sees and what comes out under each noise level."""
    sweep, count = shown.measured["noise_sweep"], min(NOISY_IMAGES, len(shown.originals))
    rows = []
    for level, psnr in zip(sweep["levels"], sweep["psnr"], strict=True):
        noisy = at_level(shown.networks.corruption, level)
        seen, originals = first_pairs(noisy, shown.test, shown.description.seed, "test", count)
        trained_on = ", as trained" if level == sweep["trained_at"] else ""
        label = f"noise {level:g}{trained_on}"
        predicted = shown.networks.model(seen)
        rows.append((label, seen.numpy(), predicted.numpy(), f"{psnr:.1f} dB"))
    title = f"{shown.title}: under noise of several standard deviations"
    return figures.overview(originals.numpy(), rows, title)


def _decode(shown: Shown, latents: Tensor) -> Tensor:
    """Return the images `(N, C, H, W)` of latents `(N, *latent_shape)`."""
    return shown.networks.model.decode(latents).sigmoid()


def _encode(
    description: trained.Description, networks: trained.Networks, split: Tensor, name: str
) -> Tensor:
    """Return the latents of a split's images, `(N, *latent_shape)`."""
    seen = pairs(networks.corruption, split, description.seed, name, ENCODING_BATCH)
    return torch.cat([networks.model.encode(batch) for batch, _ in seen])


def _pairs_of_classes(labels: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.int64]:
    """Return `(count, 2)` indices of neighbouring images, those of different classes first."""
    neighbours = np.arange(len(labels) // 2 * 2).reshape(-1, 2)
    differ = labels[neighbours[:, 0]] != labels[neighbours[:, 1]]
    return np.concatenate([neighbours[differ], neighbours[~differ]])[:count]
