"""The table of figures: what it says of each, and each drawn for those variants that it fits."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from autoencoders.figures.settings import Figures
from autoencoders.figures.table import TABLE, Drawing, pairs_of_classes
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


def shown(variant: str, seed: int = 1) -> Trained:
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


def fitting(of: Trained, measured: dict[str, Any] | None = None) -> list[Drawing]:
    return [drawing for drawing in TABLE if drawing.fits(of, measured or {})]


def test_every_figure_has_a_file_and_words_of_its_own() -> None:
    for names in ([d.file for d in TABLE], [d.caption for d in TABLE]):
        assert len(set(names)) == len(names)
    for drawing in TABLE:
        assert drawing.file.endswith(".png")
        assert drawing.caption.strip()


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_has_the_figures_that_fit_it_with_a_noise_sweep_or_without(
    variant: str,
) -> None:
    judged = set().union(*FITTING.values())  # a new figure needs no line here
    files = {drawing.file.removesuffix(".png") for drawing in fitting(shown(variant))}
    assert files & judged == FITTING[variant]
    swept = {d.file.removesuffix(".png") for d in fitting(shown(variant), {"noise_sweep": SWEEP})}
    assert swept == files | {"noise_sweep", "noise_levels"}


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_what_fits_is_drawn_and_no_two_figures_are_the_same(variant: str) -> None:
    global_state = torch.random.get_rng_state()
    of = shown(variant)
    pictures = [pixels(drawing, of) for drawing in fitting(of, {"noise_sweep": SWEEP})]
    assert len(set(pictures)) == len(pictures)
    assert torch.equal(torch.random.get_rng_state(), global_state)


@pytest.mark.parametrize("name", ["samples", "code_samples", "codes"])
@torch.no_grad()
def test_what_is_drawn_at_random_is_the_same_each_time_and_differs_by_seed(name: str) -> None:
    (drawing,) = (drawing for drawing in TABLE if drawing.file == f"{name}.png")
    one, again, other = (pixels(drawing, shown("aae", seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def pixels(drawing: Drawing, of: Trained) -> bytes:
    figure, written = drawing.draw(of, {"noise_sweep": SWEEP}, SETTINGS), io.BytesIO()
    figure.savefig(written, format="rgba", dpi=40)
    return written.getvalue()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 0, 1, 2, 3, 4], [[2, 3], [4, 5], [0, 1]]),  # those of different classes first
        ([0, 1, 0, 1, 0], [[0, 1], [2, 3]]),  # the last of an odd number has no neighbour
        ([0, 0, 0, 0], [[0, 1], [2, 3]]),  # one class: what there is
    ],
)
def test_images_are_paired_with_neighbours_of_other_classes_first(
    labels: list[int], expected: list[list[int]]
) -> None:
    of_images: Bytes = np.array(labels, np.uint8)
    assert pairs_of_classes(of_images, 10).tolist() == expected
    assert pairs_of_classes(of_images, 1).tolist() == expected[:1]
