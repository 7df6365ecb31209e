"""A trained variant's pictures; which ones depends on its three parts, never on its name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from matplotlib.figure import Figure
from scipy.stats import norm
from torch import Tensor

from autoencoders import figures, files, paths, randomness, trained
from autoencoders.data import splits
from autoencoders.evaluation import metrics
from autoencoders.evaluation.predictions import first_pairs, pairs
from autoencoders.inputs import Clean
from autoencoders.objectives import Adversarial
from autoencoders.params import Params
from autoencoders.stages.common import images, prepared_data, variant_of
from autoencoders.tracking import DataUsed, StageIdentity, StageRun

Floats = npt.NDArray[np.float32]

ENCODING_BATCH = 1000

# What each file shows, in the order of the report.
CAPTIONS = {
    "reconstructions.png": "What the encoder sees, what comes back, and the original",
    "errors.png": "Where the reconstruction is too bright or too dark",
    "curves.png": "Loss terms over the epochs, training and validation",
    "latent_plane.png": "Latents of the test images, by class",
    "manifold.png": "The latent plane, decoded at quantiles of the prior",
    "samples.png": "Decoded draws from the prior",
    "codes.png": "The distribution of the codes against the prior",
}

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
    manifold_steps: int


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
        manifold_steps=params.figures.manifold_steps,
    )


def _choose(shown: Shown) -> dict[str, Callable[[Shown], Figure]]:
    """Return the drawings that fit the variant's latent and objective, by file name."""
    objective = shown.networks.objective
    planar = shown.networks.model.latent_shape == (2,)
    fitting = {
        "reconstructions.png": (reconstructions, True),
        "errors.png": (errors, True),
        "curves.png": (curves, True),
        "latent_plane.png": (latent_plane, planar),
        "manifold.png": (manifold, planar and objective.has_prior),
        "samples.png": (samples, objective.has_prior),
        "codes.png": (codes, isinstance(objective, Adversarial)),
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
    """Draw the test images' latents, coloured by class."""
    title = f"{shown.title}: latents of the test images"
    return figures.latent_plane(_encode_test(shown), shown.labels, shown.class_names, title)


def manifold(shown: Shown) -> Figure:
    """Decode a grid of latents at equal steps of the prior's probability."""
    quantiles = norm.ppf(np.linspace(0.02, 0.98, shown.manifold_steps)).astype(np.float32)
    z2, z1 = np.meshgrid(quantiles, quantiles, indexing="ij")
    latents = torch.from_numpy(np.stack([z1.ravel(), z2.ravel()], axis=1))
    decoded = shown.networks.model.decode(latents).sigmoid().numpy()
    return figures.manifold(decoded, quantiles, quantiles, f"{shown.title}: the decoded plane")


def samples(shown: Shown) -> Figure:
    """Decode draws from the prior."""
    model = shown.networks.model
    noise = randomness.noise(shown.description.seed, "figures/samples")
    latents = noise.normal((100, *model.latent_shape))
    decoded = model.decode(latents).sigmoid().numpy()
    return figures.sample_grid(decoded, f"{shown.title}: decoded draws from the prior")


def codes(shown: Shown) -> Figure:
    """Draw the codes' distribution against the prior."""
    title = f"{shown.title}: codes of the test images and the prior"
    return figures.code_distribution(_encode_test(shown), title)


def _encode_test(shown: Shown) -> Floats:
    """Return the latents of all test images, `(N, d)`."""
    seed = shown.description.seed
    split = pairs(shown.networks.corruption, shown.test, seed, "test", ENCODING_BATCH)
    latents = [shown.networks.model.encode(seen).flatten(1) for seen, _ in split]
    encoded: Floats = torch.cat(latents).numpy()
    return encoded
