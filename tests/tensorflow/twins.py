"""Small variants that both frameworks support."""

from typing import Any

import torch
from torch import Tensor

from autoencoders.param_types import ImageShape
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Assembled, assemble

ADAM = {"kind": "adam", "lr": 2e-3}
RMSPROP = {"kind": "rmsprop", "lr": 3e-3}
MUON = {"kind": "muon", "lr": 0.02, "momentum": 0.9, "adam_lr": 2e-3}
CLEAN = {"kind": "clean"}
CONV = {"kind": "conv_ae", "encoder_channels": [5, 4], "decoder_channels": [4, 6]}
MLP = {"kind": "mlp_ae", "hidden": [24, 12], "latent_size": 3}
MLP_VAE = {"kind": "mlp_vae", "hidden": [24], "latent_size": 3}
BCE = {"kind": "reconstruction", "loss": "bce"}
GAUSSIAN = {"kind": "variational", "likelihood": "gaussian"}
BERNOULLI = {"kind": "variational", "likelihood": "bernoulli"}
GAME = {"kind": "adversarial", "discriminator_hidden": [16, 8]}
STEPS = ("autoencoder", "discriminator", "generator")

# Input, model and objective of the five default variants.
FIVE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "conv": (CLEAN, CONV, BCE),
    "denoise": ({"kind": "noisy", "mean": 0.5, "std": 0.3}, CONV, BCE),
    "superres": (
        {"kind": "downsampled", "factor": 2, "reduction": "bilinear"},
        CONV | {"encoder_channels": [5], "decoder_channels": [4, 6]},
        BCE,
    ),
    "vae": (CLEAN, MLP_VAE, GAUSSIAN),
    "aae": (CLEAN, MLP, GAME),
}


def variant(name: str, optimizer: dict[str, Any] = ADAM, **training: Any) -> Variant:
    """Return one of the five variants, with small layers."""
    input, model, objective = FIVE[name]
    steps = STEPS if name == "aae" else ("model",)
    settings = {
        "epochs": 3,
        "batch_size": 16,
        "optimizers": dict.fromkeys(steps, optimizer),
        "precision": "float32",
        "framework": "tensorflow",
    }
    return Variant.model_validate(
        {"input": input, "model": model, "objective": objective, "training": settings | training}
    )


def assembled(variant: Variant, shape: ImageShape, seed: int = 0) -> Assembled:
    """Return a variant with random weights and random biases."""
    subject = assemble(variant, shape, seed, "twins")
    generator = torch.Generator().manual_seed(seed)
    for parameter in subject.networks.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return subject


def images(count: int, shape: ImageShape, seed: int = 0) -> Tensor:
    """Return random images `(count, C, H, W)` in [0, 1]."""
    return torch.rand((count, *shape), generator=torch.Generator().manual_seed(seed))
