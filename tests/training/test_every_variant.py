"""Input × model × objective: every combination trains, except the invalid ones."""

import math
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from autoencoders.param_types import ImageShape
from autoencoders.params import why_impossible
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Parts, assemble
from autoencoders.variants.inputs import INPUTS
from autoencoders.variants.models import MODELS
from autoencoders.variants.objectives import OBJECTIVES
from tests.examples import example_arguments, fitting_model
from tests.training.helpers import ADAM, Blobs, run, settings, weights

SHAPES: dict[str, ImageShape] = {
    "grey": (1, 28, 28),
    "colour": (3, 32, 32),
    "large colour": (3, 64, 64),
}
# Pairs that are invalid with any third part, and a part of the error message.
REFUSED = {
    ("mlp_vae", "reconstruction"): "with a variational model, whose log-variance",
    ("conv_vae", "reconstruction"): "with a variational model, whose log-variance",
    ("mlp_vae", "perceptual"): "with a variational model, whose log-variance",
    ("conv_vae", "perceptual"): "with a variational model, whose log-variance",
    ("mlp_vae", "adversarial"): "with a variational model, whose log-variance",
    ("conv_vae", "adversarial"): "with a variational model, whose log-variance",
    ("mlp_ae", "variational"): "with a model that is not variational",
    ("conv_ae", "variational"): "with a model that is not variational",
    ("clean", "residual"): "input: found clean",
    ("clean", "super_resolution"): "input: found clean",
    ("residual", "variational"): "with a model that is not variational",
    ("residual", "adversarial"): "for a latent that contains the encoder input",
    ("super_resolution", "variational"): "with a model that is not variational",
    ("super_resolution", "adversarial"): "for a latent that contains the encoder input",
}
# The table is complete for these kinds. A new kind may refuse other kinds, if it trains with at
# least one.
KNOWN = {kind for pair in REFUSED for kind in pair} | {
    "clean",
    "noisy",
    "downsampled",
    "noisy_downsampled",
}
COMBINATIONS = list(product(INPUTS, MODELS, OBJECTIVES))


def example(input: str, model: str, objective: str, shape: ImageShape) -> Variant:
    """Return a small variant of these kinds, with parts that fit the images if possible."""
    arguments = fitting_arguments(input, shape)
    input_shape = INPUTS[input](**arguments).shape(shape)
    parts = {
        "input": {"kind": input, **arguments},
        "model": fitting_model(model, input_shape, shape)
        or {"kind": model, **next(example_arguments(MODELS[model]))},
        "objective": {"kind": objective, **next(example_arguments(OBJECTIVES[objective]))},
    }
    built = Parts.model_validate(parts).objective.build(latent_shape=(1,), perceive=None)
    optimizers = dict.fromkeys(built.steps, ADAM)
    training = settings(batch_size=2, optimizers=optimizers)
    return Variant.model_validate(parts | {"training": training.model_dump()})


def fitting_arguments(input: str, shape: ImageShape) -> dict[str, Any]:
    """Return the first example arguments of an input that accepts images of this shape."""
    for arguments in example_arguments(INPUTS[input]):
        with suppress(ValueError):
            INPUTS[input](**arguments).shape(shape)
            return arguments
    raise LookupError(f"no example of {input} accepts images of {shape}")


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kinds", COMBINATIONS, ids="-".join)
def test_valid_combinations_train_and_others_are_refused(
    kinds: tuple[str, str, str], shape: ImageShape, blobs: Blobs
) -> None:
    variant = example(*kinds, shape)
    found = why_impossible(variant, shape)
    if reasons := [reason for pair, reason in REFUSED.items() if set(kinds).issuperset(pair)]:
        assert found is not None
        # A new kind may have another reason.
        assert any(reason in found for reason in reasons) or not KNOWN.issuperset(kinds)
    elif found is not None:
        assert not KNOWN.issuperset(kinds), found
        assert "\n" not in found
    else:
        images = blobs(4, shape), blobs(2, shape)
        # Such a narrow layer may be dead after initialisation, but not with every seed.
        assert any(every_weight_moves(variant, shape, seed, *images) for seed in range(3))


def every_weight_moves(
    variant: Variant, shape: ImageShape, seed: int, images: Tensor, validation_images: Tensor
) -> bool:
    """Train, and return whether all weights change; check that the history is finite."""
    subject = assemble(variant, shape, seed, "blobs", perceive=lambda images: [images])
    before = weights(subject)
    (row,) = run(subject, images, validation_images, variant.training)
    assert all(map(math.isfinite, row.values()))
    return not any(map(torch.equal, before, weights(subject)))


@pytest.mark.parametrize(
    "registry", [INPUTS, MODELS, OBJECTIVES], ids=["input", "model", "objective"]
)
def test_every_kind_trains_with_something(registry: Mapping[str, Any]) -> None:
    shape = SHAPES["colour"]
    possible = [k for k in COMBINATIONS if why_impossible(example(*k, shape), shape) is None]
    assert {kind for kinds in possible for kind in kinds} >= set(registry)
