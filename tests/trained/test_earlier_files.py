"""Files of an earlier version still load: names of weights, and records with every key.

The names and records are those that the earlier version wrote. They never change with the code.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from autoencoders import yaml12
from autoencoders.datasets.prepared import Prepared
from autoencoders.paths import RECORD, WEIGHTS
from autoencoders.trained import classifier, variant
from autoencoders.trained.classifier import ClassifierDescription
from autoencoders.trained.variant import Description
from autoencoders.training.settings import Classifier, Variant
from autoencoders.variants.classifier import ConvClassifier

ADAM = {"kind": "adam", "lr": 1e-3, "eps": 1e-8}
MUON = {"kind": "muon", "lr": 0.02, "momentum": 0.95, "adam_lr": 0.01, "eps": 1e-8}
ONE_CYCLE = {"kind": "one_cycle", "warmup": 0.2, "final": 0.0}
CLEAN = {"kind": "clean"}
SMALL = {"kind": "downsampled", "factor": 2, "reduction": "bilinear"}
RECONSTRUCTION = {"kind": "reconstruction", "loss": "bce"}
VARIATIONAL = {"kind": "variational", "likelihood": "gaussian"}
ADVERSARIAL = {"kind": "adversarial", "discriminator_hidden": [5, 5]}
CONV = {"encoder_channels": [4, 3], "decoder_channels": [3, 4]}
CONV_NAMES = [
    *("encoder.convolutions.0", "encoder.convolutions.1"),
    *("decoder.convolutions.0", "decoder.convolutions.1", "decoder.to_image"),
]
HEADS = ["mean", "log_variance"]

# Input, model and objective; then the names of the layers, each with a weight and a bias, of the
# model and of the objective's networks.
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str], list[str]]] = {
    "conv_ae": (
        CLEAN,
        {"kind": "conv_ae", **CONV, "upsampling": "nearest"},
        RECONSTRUCTION,
        CONV_NAMES,
        [],
    ),
    "conv_ae, transposed": (
        CLEAN,
        {"kind": "conv_ae", **CONV, "upsampling": "transposed"},
        {"kind": "perceptual", "pixel_loss": "bce", "pixel_weight": 1.0},
        [*CONV_NAMES, "decoder.doublings.0", "decoder.doublings.1"],
        [],
    ),
    "conv_vae": (
        CLEAN,
        {"kind": "conv_vae", **CONV, "latent_size": 2, "upsampling": "bilinear"},
        VARIATIONAL,
        [*CONV_NAMES, *HEADS, "to_maps"],
        [],
    ),
    "mlp_ae": (
        {"kind": "noisy", "mean": 0.5, "std": 0.3},
        {"kind": "mlp_ae", "hidden": [6, 5], "latent_size": 2},
        ADVERSARIAL,
        [f"{part}.{layer}" for part in ("encoder", "decoder") for layer in (0, 2, 4)],
        [f"discriminator.{layer}" for layer in (0, 2, 4)],
    ),
    "mlp_vae": (
        CLEAN,
        {"kind": "mlp_vae", "hidden": [6, 5], "latent_size": 2},
        VARIATIONAL,
        ["encoder.0", "encoder.2", *HEADS, "decoder.0", "decoder.2", "decoder.4"],
        [],
    ),
    "super_resolution": (
        SMALL,
        {"kind": "super_resolution", "width": 4, "blocks": 2},
        {"kind": "reconstruction", "loss": "mse"},
        [
            "encoder.0",
            *(f"encoder.{block}.{layer}" for block in (1, 2) for layer in ("first", "second")),
            "decoder.0",
        ],
        [],
    ),
}


def record(input: Any, model: Any, objective: Any) -> dict[str, Any]:
    """Return the params.yaml next to the weights: every key, but no prior."""
    steps = ["model"]
    if objective is ADVERSARIAL:
        steps = ["autoencoder", "discriminator", "generator"]
    return {
        "dataset": "mnist",
        "name": "old",
        "seed": 1,
        "source": "stand-in",
        "data_sha256": "0" * 64,
        "image_shape": [1, 12, 12],
        "variant": {
            "input": input,
            "model": model,
            "objective": objective,
            "training": {
                "epochs": 5,
                "batch_size": 256,
                "optimizers": dict.fromkeys(steps, ADAM),
                "schedule": {"kind": "constant"},
                "initialization": "kaiming",
                "precision": "auto",
                "ema_decay": 0.0,
                "early_stopping_patience": None,
            },
        },
        "classifier_sha256": None,
    }


def write(folder: Path, weights: dict[str, Tensor], content: dict[str, Any]) -> None:
    save_file(weights, folder / WEIGHTS)
    (folder / RECORD).write_text(yaml12.dump(content), "utf-8")


def random_weights(network: nn.Module, names: list[str]) -> dict[str, Tensor]:
    """Return random weights by name, with the network's shapes; scalars for unknown names."""
    shapes = {name: weight.shape for name, weight in network.state_dict().items()}
    return {name: torch.rand(shapes.get(name, ())) for name in names}


@pytest.mark.parametrize(
    ("input", "model", "objective", "layers", "objective_layers"), VARIANTS.values(), ids=VARIANTS
)
def test_a_variant_of_an_earlier_version_loads(
    tmp_path: Path,
    input: Any,
    model: Any,
    objective: Any,
    layers: list[str],
    objective_layers: list[str],
) -> None:
    content = record(input, model, objective)
    description = Description(
        **content
        | {"image_shape": (1, 12, 12), "variant": Variant.model_validate(content["variant"])}
    )
    names = with_weights([f"model.{layer}" for layer in layers])
    names += with_weights([f"objective.{layer}" for layer in objective_layers])
    names += ["model.gain"] if model["kind"] == "super_resolution" else []
    weights = random_weights(variant.build(description).networks, names)
    write(tmp_path, weights, content)
    loaded = variant.load(tmp_path, Prepared(tmp_path))
    assert loaded.description == description
    torch.testing.assert_close(dict(loaded.networks.state_dict()), weights, rtol=0, atol=0)


def test_a_classifier_of_an_earlier_version_loads(tmp_path: Path) -> None:
    settings = {
        **{"channels": [4, 3], "features": 5, "epochs": 3, "batch_size": 128},
        **{"optimizer": MUON, "schedule": ONE_CYCLE},
    }
    content: dict[str, Any] = {
        "dataset": "mnist",
        "seed": 1,
        "source": "stand-in",
        "data_sha256": "0" * 64,
        "image_shape": [1, 12, 12],
        "classes": 3,
        "settings": settings,
    }
    description = ClassifierDescription(
        **content | {"image_shape": (1, 12, 12), "settings": Classifier.model_validate(settings)}
    )
    names = with_weights(["convolutions.0", "convolutions.1", "hidden", "classes"])
    weights = random_weights(ConvClassifier((1, 12, 12), 3, channels=[4, 3], features=5), names)
    write(tmp_path, weights, content)
    loaded = classifier.load(tmp_path)
    assert loaded is not None
    assert classifier.ADAPTER.validate_python(yaml12.read(tmp_path / RECORD)) == description
    torch.testing.assert_close(dict(loaded.state_dict()), weights, rtol=0, atol=0)


def with_weights(layers: list[str]) -> list[str]:
    return [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
