"""params.yaml made small: the whole pipeline in seconds, on next to no data.

The benchmark times stages with it, and `tests/pipeline` tests them with it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autoencoders import yaml12

WIDTH = 8  # of every layer, at most
SIZE = 4  # of every other number of a model, such as its latent's, at most
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
    """Make a params.yaml small, and run so many epochs of these variants on these datasets."""
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
    """Return a variant of the same kinds, of few and narrow layers, that trains for a moment."""
    return variant | {
        "model": _narrow(variant["model"]),
        "objective": _narrow(variant["objective"]),
        "training": variant["training"] | {"epochs": epochs, "batch_size": 64},
    }


def _narrow(part: dict[str, Any]) -> dict[str, Any]:
    """Return a model or an objective with widths and sizes no larger than needed, of any kind."""
    return {key: _less(value) for key, value in part.items()}


def _less(value: Any) -> Any:
    if isinstance(value, list):
        return [min(width, WIDTH) for width in value]
    return min(value, SIZE) if type(value) is int else value
