import subprocess
import sys
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from autoencoders.keys import Initialization
from autoencoders.variants.assembly import Parts, assemble, plan
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

PLAN_WITHOUT_TORCH = f"""
import sys
from autoencoders.variants.assembly import Parts, plan
for content in ({AAE!r}, {VAE!r}):
    plan(Parts.model_validate(content), {SHAPE!r})
assert "torch" not in sys.modules
"""


def edited(content: dict[str, Any], part: str, **keys: Any) -> dict[str, Any]:
    """Return parts with some keys of one of them set."""
    return content | {part: content[part] | keys}


def weights(
    content: dict[str, Any], seed: int, name: str, initialization: Initialization = "default"
) -> dict[str, Tensor]:
    assembled = assemble(plan(Parts.model_validate(content), SHAPE), seed, name, initialization)
    return assembled.networks.state_dict()


# --- the plan


def test_a_plan_needs_no_torch() -> None:
    subprocess.run([sys.executable, "-c", PLAN_WITHOUT_TORCH], check=True)


def test_each_part_is_laid_out_for_what_the_part_before_it_gives() -> None:
    laid_out = plan(Parts.model_validate(AAE | {"input": HALVED}), SHAPE)
    assert isinstance(laid_out.input, Downsampled)
    assert (laid_out.input_shape, laid_out.image_shape) == ((1, 4, 4), SHAPE)
    assert laid_out.model.latent_shape == (3,)
    assert isinstance(laid_out.objective, Adversarial)
    assert laid_out.objective.discriminator_widths == [3, 8, 1]
    model = assemble(laid_out, 0, "halved", "default").model
    assert model(torch.rand(2, 1, 4, 4)).shape == (2, *SHAPE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (AAE | {"input": HALVED | {"factor": 3}}, "8×8 cannot be reduced 3 times"),
        (AAE | {"model": {"kind": "residual", "width": 4, "blocks": 1}}, "nothing to restore"),
        (AAE | {"model": VAE["model"]}, "never trains a variational model's log-variance"),
        (VAE | {"model": AAE["model"]}, "needs a variational model"),
    ],
)
def test_an_impossible_plan_says_why(content: dict[str, Any], reason: str) -> None:
    parts = Parts.model_validate(content)
    with pytest.raises(ValueError, match=reason):
        plan(parts, SHAPE)


# --- the networks


def test_weights_depend_on_the_seed_and_the_name_alone() -> None:
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


def test_assembling_leaves_the_global_generator_as_it_was() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    weights(AAE, seed=1, name="mnist/aae")
    assert torch.equal(torch.rand(3), expected)


def test_kaiming_is_for_the_model_and_leaves_the_objective_s_own_networks() -> None:
    as_drawn = weights(AAE, 1, "mnist/aae")
    redrawn = weights(AAE, 1, "mnist/aae", "kaiming")
    for key, value in redrawn.items():
        assert torch.equal(value, as_drawn[key]) == key.startswith("objective.")
    biases = [value for key, value in redrawn.items() if key.endswith("bias")]
    assert not biases[0].any()


# --- a part within a part


@pytest.mark.parametrize("content", [AAE, VAE], ids=["adversarial", "variational"])
def test_a_prior_that_is_written_out_is_the_default_s(content: dict[str, Any]) -> None:
    written = edited(content, "objective", prior={"kind": "standard_normal"})
    assert Parts.model_validate(written) == Parts.model_validate(content)
    for entry in (content, written):
        assert isinstance(plan(Parts.model_validate(entry), SHAPE).objective.prior, StandardNormal)
    for key, value in weights(content, 1, "x").items():
        assert torch.equal(value, weights(written, 1, "x")[key])


def test_an_unknown_prior_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="'standard_normal'") as caught:
        Parts.model_validate(edited(AAE, "objective", prior={"kind": "uniform"}))
    (mistake,) = caught.value.errors()
    assert mistake["loc"] == ("objective", "adversarial", "prior")
    assert mistake["type"] == "union_tag_invalid"
