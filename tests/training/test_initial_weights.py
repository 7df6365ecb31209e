"""A training that starts from the weights of an earlier one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from autoencoders.errors import UserError
from autoencoders.training.initial_weights import load_weights
from autoencoders.training.settings import Variant
from autoencoders.training.train import TrainingResult, train
from tests.training.helpers import SHAPE, Blobs, ProgressLog, identical, plain, settings, weights

WEIGHTS = plain().state_dict()


def trained(blobs: Blobs, seed: int, changes: dict[str, Any], **arguments: Any) -> TrainingResult:
    variant = {
        "input": {"kind": "clean"},
        "model": {"kind": "mlp_ae", "hidden": [16], "latent_size": 3},
        "objective": {"kind": "reconstruction", "loss": "mse"},
        "training": settings(**changes).model_dump(),
    }
    images = blobs(24), blobs(8, SHAPE, 1)
    return train(*images, Variant.model_validate(variant), seed, **arguments)


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_a_training_starts_from_the_weights_of_a_file(blobs: Blobs, ema_decay: float) -> None:
    earlier = trained(blobs, 1, {"epochs": 5})
    still = {"optimizers": {"model": {"kind": "adam", "lr": 1e-12}}, "ema_decay": ema_decay}
    later = trained(blobs, 2, still, initial_weights=save(earlier.variant.networks.state_dict()))
    torch.testing.assert_close(weights(later.variant), weights(earlier.variant))
    lowest = min(row["validation_loss"] for row in earlier.history)
    assert later.history[0]["validation_loss"] == pytest.approx(lowest, rel=1e-4)


def test_a_resumed_training_continues_from_its_checkpoint(blobs: Blobs, tmp_path: Path) -> None:
    content = save(trained(blobs, 1, {}).variant.networks.state_dict())
    expected = trained(blobs, 2, {"epochs": 3}, initial_weights=content)
    arguments = {"initial_weights": content, "folder": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        trained(blobs, 2, {"epochs": 3}, progress=ProgressLog(stop_at_epoch=2), **arguments)
    resumed = trained(blobs, 2, {"epochs": 3}, **arguments)
    assert resumed.history == expected.history
    assert identical(weights(resumed.variant), weights(expected.variant))


def test_weights_of_16_bits_become_32_bits() -> None:
    network = plain()
    load_weights(network, save({name: (w + 1).half() for name, w in WEIGHTS.items()}))
    for name, weight in network.state_dict().items():
        assert weight.dtype == torch.float32
        torch.testing.assert_close(weight, WEIGHTS[name] + 1, rtol=1e-3, atol=1e-3)


def test_layers_that_differ_are_named_in_one_short_line() -> None:
    names = [*WEIGHTS]
    found = {f"{name}.old": weight for name, weight in WEIGHTS.items()}
    found[names[0]] = torch.zeros(2, 2)
    with pytest.raises(UserError) as raised:
        load_weights(plain(), save(found))
    message = str(raised.value)
    assert "\n" not in message
    first = ", ".join(names[1:4])
    assert f"found other layers (missing: {first} and {len(names) - 4} more; unexpected" in message
    shape = tuple(WEIGHTS[names[0]].shape)
    assert f"of another shape: {names[0]} (2, 2) instead of {shape});" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"text", "SafetensorError"),
        (save({"weight": torch.tensor([torch.nan])}), "not finite numbers"),
    ],
)
def test_a_damaged_file_is_refused_and_the_weights_stay(content: bytes, reason: str) -> None:
    network = plain()
    with pytest.raises(UserError, match=rf"training.initial_weights: found a damaged.*{reason}"):
        load_weights(network, content)
    torch.testing.assert_close(network.state_dict(), WEIGHTS, rtol=0, atol=0)
