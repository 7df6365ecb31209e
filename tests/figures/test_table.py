"""Tests of the table of figures: files, captions, conditions, and the drawing of each figure."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from autoencoders.figures.settings import Figures
from autoencoders.figures.table import TABLE, FigureSpec, neighbour_pairs
from autoencoders.param_types import Bytes
from autoencoders.trained.variant import Trained
from tests.subjects import loaded, untrained

Blobs = Callable[..., Tensor]

SHAPE = (1, 16, 16)
SETTINGS = Figures.model_validate(
    {
        "images": 3,
        "manifold_steps": 3,
        "perturbed_dimensions": 2,
        "perturbation_steps": 3,
        "interpolated_pairs": 2,
        "fitted_codes": 20,
        "mixture_components": 3,
    }
)
CLEAN = {"kind": "clean"}
RECONSTRUCTION = {"kind": "reconstruction", "loss": "bce"}
VARIANTS: dict[str, dict[str, Any]] = {
    "vae": {
        "input": CLEAN,
        "model": {"kind": "mlp_vae", "hidden": [8], "latent_size": 2},
        "objective": {"kind": "variational", "likelihood": "gaussian"},
    },
    "vae of one dimension": {
        "input": CLEAN,
        "model": {"kind": "mlp_vae", "hidden": [8], "latent_size": 1},
        "objective": {"kind": "variational", "likelihood": "gaussian"},
    },
    "aae": {
        "input": CLEAN,
        "model": {"kind": "mlp_ae", "hidden": [8], "latent_size": 4},
        "objective": {"kind": "adversarial", "discriminator_hidden": [4]},
    },
    "aae of two dimensions": {
        "input": CLEAN,
        "model": {"kind": "mlp_ae", "hidden": [8], "latent_size": 2},
        "objective": {"kind": "adversarial", "discriminator_hidden": [4]},
    },
    "denoise": {
        "input": {"kind": "noisy", "mean": 0.1, "std": 0.2},
        "model": {"kind": "conv_ae", "encoder_channels": [4, 2], "decoder_channels": [2, 4]},
        "objective": RECONSTRUCTION,
    },
    "superres": {
        "input": {"kind": "downsampled", "factor": 2, "reduction": "average"},
        "model": {"kind": "residual", "width": 4, "blocks": 1},
        "objective": RECONSTRUCTION,
    },
}
ALWAYS = {"reconstructions", "errors", "curves"}
OF_LATENT = {"perturbations", "interpolations", "code_samples"}
FITTING = {
    "vae": {*ALWAYS, *OF_LATENT, "latent_plane", "manifold", "samples"},
    "vae of one dimension": {*ALWAYS, *OF_LATENT, "samples"},
    "aae": {*ALWAYS, *OF_LATENT, "latent_plane", "samples", "codes"},
    "aae of two dimensions": {
        *(*ALWAYS, *OF_LATENT, "latent_plane"),
        *("manifold", "samples", "codes"),
    },
    "denoise": {*ALWAYS, *OF_LATENT, "latent_plane"},
    "superres": ALWAYS,
}
SWEEP = {
    "n_images": 8,
    "trained_at": 0.0,
    "levels": [0.0, 0.3],
    "psnr": [20.0, 15.0],
    "yardsticks": {"some_yardstick": [19.0, 12.0]},
}


def untrained_variant(variant: str, seed: int = 1) -> Trained:
    """Return an untrained variant with random images of three classes."""
    rng = np.random.default_rng(0)
    images = {
        split: torch.from_numpy(rng.integers(0, 256, (count, *SHAPE), np.uint8))
        for split, count in (("train", 30), ("test", 12))
    }
    labels = {split: torch.arange(len(of_split)) % 3 for split, of_split in images.items()}
    assembled = untrained(VARIANTS[variant], SHAPE)
    trained = loaded(assembled, images, labels=labels, class_names="abc", name=variant, seed=seed)
    epochs = np.arange(1, 4)
    losses = {f"{split}_loss": 1 / epochs for split in ("train", "validation")}
    history = pd.DataFrame({"epoch": epochs, **losses, "learning_rate": 0.1 / epochs})
    vars(trained)["history"] = history
    return trained


def fitting(trained: Trained, metrics: dict[str, Any] | None = None) -> list[FigureSpec]:
    return [spec for spec in TABLE if spec.fits(trained, metrics or {})]


def test_figures_have_distinct_files_and_captions() -> None:
    for names in ([d.file for d in TABLE], [d.caption for d in TABLE]):
        assert len(set(names)) == len(names)
    for spec in TABLE:
        assert spec.file.endswith(".png")
        assert spec.caption.strip()


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_has_the_fitting_figures_with_and_without_noise_sweep(
    variant: str,
) -> None:
    listed = set().union(*FITTING.values())  # a new figure needs no entry
    files = {spec.file.removesuffix(".png") for spec in fitting(untrained_variant(variant))}
    assert files & listed == FITTING[variant]
    swept = {
        d.file.removesuffix(".png")
        for d in fitting(untrained_variant(variant), {"noise_sweep": SWEEP})
    }
    assert swept == files | {"noise_sweep", "noise_levels"}


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_fitting_figures_are_drawn_and_differ(variant: str) -> None:
    global_state = torch.random.get_rng_state()
    trained = untrained_variant(variant)
    pictures = [pixels(spec, trained) for spec in fitting(trained, {"noise_sweep": SWEEP})]
    assert len(set(pictures)) == len(pictures)
    assert torch.equal(torch.random.get_rng_state(), global_state)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["samples", "code_samples", "codes"])
@torch.no_grad()
def test_random_figures_depend_only_on_the_seed(name: str) -> None:
    (spec,) = (spec for spec in TABLE if spec.file == f"{name}.png")
    one, again, other = (pixels(spec, untrained_variant("aae", seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def pixels(spec: FigureSpec, trained: Trained) -> bytes:
    figure, buffer = spec.draw(trained, {"noise_sweep": SWEEP}, SETTINGS), io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=40)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 0, 1, 2, 3, 4], [[2, 3], [4, 5], [0, 1]]),  # pairs of different classes are first
        ([0, 1, 0, 1, 0], [[0, 1], [2, 3]]),  # the last of an odd number has no pair
        ([0, 0, 0, 0], [[0, 1], [2, 3]]),  # one class
    ],
)
def test_pairs_of_different_classes_come_first(
    labels: list[int], expected: list[list[int]]
) -> None:
    label_array: Bytes = np.array(labels, np.uint8)
    assert neighbour_pairs(label_array, 10).tolist() == expected
    assert neighbour_pairs(label_array, 1).tolist() == expected[:1]
