from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from autoencoders.param_types import Initialization
from autoencoders.variants.assembly import Parts, assemble
from autoencoders.variants.inputs import Downsampled
from autoencoders.variants.objectives.adversarial import Adversarial
from autoencoders.variants.priors.standard_normal import StandardNormal
from tests.examples import HALVED

SHAPE = (1, 8, 8)
AAE: dict[str, Any] = {
    "input": {"kind": "clean"},
    "model": {"kind": "mlp_ae", "hidden": [16], "latent_size": 3},
    "objective": {"kind": "adversarial", "discriminator_hidden": [8]},
}
VAE: dict[str, Any] = {
    "input": {"kind": "clean"},
    "model": {"kind": "mlp_vae", "hidden": [16], "latent_size": 3},
    "objective": {"kind": "variational", "likelihood": "gaussian"},
}


def edited(content: dict[str, Any], part: str, **keys: Any) -> dict[str, Any]:
    """Return a copy of `content` with `keys` of one part replaced."""
    return content | {part: content[part] | keys}


def weights(
    content: dict[str, Any], seed: int, name: str, initialization: Initialization = "default"
) -> dict[str, Tensor]:
    assembled = assemble(Parts.model_validate(content), SHAPE, seed, name, initialization)
    return assembled.networks.state_dict()


# --- the parts


def test_each_part_has_the_shape_that_the_part_before_it_outputs() -> None:
    halved = assemble(Parts.model_validate(AAE | {"input": HALVED}), SHAPE)
    assert isinstance(halved.input, Downsampled)
    assert (halved.input_shape, halved.image_shape) == ((1, 4, 4), SHAPE)
    assert halved.model.latent_shape == (3,)
    assert isinstance(halved.objective, Adversarial)
    assert halved.objective.discriminator_widths == [3, 8, 1]
    assert halved.model(torch.rand(2, 1, 4, 4)).shape == (2, *SHAPE)


def test_on_the_meta_device_a_variant_of_any_size_has_no_weights() -> None:
    huge = edited(AAE, "model", hidden=[10**6, 10**6])
    with torch.device("meta"):
        assembled = assemble(Parts.model_validate(huge), SHAPE, initialization="kaiming")
    assert all(weight.is_meta for weight in assembled.networks.parameters())
    assert assembled.model.latent_shape == (3,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (AAE | {"input": HALVED | {"factor": 3}}, "found 3 for images of 8×8"),
        (AAE | {"model": {"kind": "residual", "width": 4, "blocks": 1}}, "input: found clean"),
        (AAE | {"model": VAE["model"]}, "whose log-variance it never trains"),
        (VAE | {"model": AAE["model"]}, "a model that is not variational"),
    ],
)
def test_parts_that_do_not_fit_raise_an_error_with_the_reason(
    content: dict[str, Any], reason: str
) -> None:
    parts = Parts.model_validate(content)
    with pytest.raises(ValueError, match=reason), torch.device("meta"):
        assemble(parts, SHAPE)


# --- the networks


def test_weights_depend_only_on_the_seed_and_the_name() -> None:
    torch.manual_seed(0)
    first = weights(AAE, seed=1, name="mnist/aae")
    assert {name.split(".")[0] for name in first} == {"model", "objective"}
    torch.manual_seed(5)
    again = weights(AAE, seed=1, name="mnist/aae")
    for seed, name in ((2, "mnist/aae"), (1, "mnist/other")):
        others = weights(AAE, seed, name)
        assert first.keys() == again.keys() == others.keys()
        for key, value in first.items():
            assert torch.equal(value, again[key])
            assert not torch.equal(value, others[key]), key


def test_assembling_does_not_change_the_global_generator() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    weights(AAE, seed=1, name="mnist/aae")
    assert torch.equal(torch.rand(3), expected)


def test_kaiming_changes_the_model_and_not_the_objective_s_networks() -> None:
    as_drawn = weights(AAE, 1, "mnist/aae")
    redrawn = weights(AAE, 1, "mnist/aae", "kaiming")
    for key, value in redrawn.items():
        assert torch.equal(value, as_drawn[key]) == key.startswith("objective.")
    biases = [value for key, value in redrawn.items() if key.endswith("bias")]
    assert not biases[0].any()


# --- the prior within an objective


@pytest.mark.parametrize("content", [AAE, VAE], ids=["adversarial", "variational"])
def test_an_explicit_standard_normal_prior_equals_the_default(content: dict[str, Any]) -> None:
    written = edited(content, "objective", prior={"kind": "standard_normal"})
    assert Parts.model_validate(written) == Parts.model_validate(content)
    for entry in (content, written):
        objective = assemble(Parts.model_validate(entry), SHAPE).objective
        assert isinstance(objective.prior, StandardNormal)
    for key, value in weights(content, 1, "x").items():
        assert torch.equal(value, weights(written, 1, "x")[key])


def test_the_error_for_an_unknown_prior_lists_the_known_priors() -> None:
    with pytest.raises(ValidationError, match="'standard_normal'") as caught:
        Parts.model_validate(edited(AAE, "objective", prior={"kind": "uniform"}))
    (mistake,) = caught.value.errors()
    assert mistake["loc"] == ("objective", "adversarial", "prior")
    assert mistake["type"] == "union_tag_invalid"
