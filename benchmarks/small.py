"""A small params.yaml: the whole pipeline runs in seconds, on few images.

The benchmark times stages with it, and `tests/pipeline` tests stages with it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autoencoders import yaml12

WIDTH = 8  # maximum of each layer
SIZE = 4  # maximum of every other number of a model, such as the latent size
DATA = {
    "seed": 1,
    "source": "stand-in",
    "train_fraction": 0.9,
    "stand_in": {"train_images": 400, "test_images": 100},
}
EVALUATION = {
    "batch_size": 40,
    "elbo_draws": 2,
    "iwae_samples": 2,
    "iwae_images": 20,
    "knn_neighbours": 3,
    "label_counts": [20, 1000],
    "label_draws": 2,
    "noise_levels": {"clean": [0.2]},
    "noise_images": 40,
}
FIGURES = {
    "images": 4,
    "manifold_steps": 4,
    "perturbed_dimensions": 3,
    "perturbation_steps": 3,
    "interpolated_pairs": 1,
    "fitted_codes": 100,
    "mixture_components": 3,
}


def write(path: Path, datasets: Iterable[str], variants: Iterable[str], epochs: int) -> None:
    """Make a params.yaml small, with these datasets, variants and epochs."""
    content = yaml12.read(path)
    small = content | {
        "experiment": "small",
        "datasets_to_run": list(datasets),
        "variants_to_run": list(variants),
        "variants": {name: _variant(v, epochs) for name, v in content["variants"].items()},
        "data": content["data"] | DATA,
        "classifier": content["classifier"] | {"epochs": 1},
        "evaluation": content["evaluation"] | EVALUATION,
        "figures": content["figures"] | FIGURES,
    }
    path.write_text(yaml12.dump(small), "utf-8")


def _variant(variant: dict[str, Any], epochs: int) -> dict[str, Any]:
    """Return the same kinds of variant with narrow layers and a short training."""
    return variant | {
        "model": _narrow(variant["model"]),
        "objective": _narrow(variant["objective"]),
        "training": variant["training"] | {"epochs": epochs, "batch_size": 64},
    }


def _narrow(part: dict[str, Any]) -> dict[str, Any]:
    """Return a model or an objective of any kind with small widths and sizes."""
    return {key: _limit(value) for key, value in part.items()}


def _limit(value: Any) -> Any:
    if isinstance(value, list):
        return [min(width, WIDTH) for width in value]
    return min(value, SIZE) if type(value) is int else value
