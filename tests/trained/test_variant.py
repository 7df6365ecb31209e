from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoencoders import params
from autoencoders.datasets.prepared import Prepared
from autoencoders.paths import HISTORY, RECORD, WEIGHTS
from autoencoders.trained import variant
from autoencoders.trained.variant import Description
from tests.saved import PARAMS, example

ROWS = [
    {"epoch": 1, "validation_loss": 0.5, "validation_mse": 0.2},
    {"epoch": 2, "validation_loss": 0.25, "validation_mse": 0.1},
]


@pytest.fixture
def description() -> Description:
    return Description(
        dataset="mnist",
        name="conv",
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=(1, 28, 28),
        variant=params.load(PARAMS).variants["conv"],
    )


def test_a_loaded_variant_equals_the_saved_one(tmp_path: Path, description: Description) -> None:
    saved = variant.build(description)
    variant.save(tmp_path, description, saved, ROWS)
    loaded = variant.load(tmp_path, Prepared(tmp_path))
    assert loaded.description == description
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(
        loaded.networks.state_dict(), saved.networks.state_dict(), rtol=0, atol=0
    )
    saved.model.to(memory_format=torch.channels_last)  # as after `load`: sums round equally
    torch.testing.assert_close(loaded.model(images), saved.model(images), rtol=0, atol=0)
    assert variant.best_epoch(loaded.history) == ROWS[1]


def test_the_same_weights_give_the_same_bytes(tmp_path: Path, description: Description) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        variant.save(folder, description, variant.build(description), ROWS)
    for name in (WEIGHTS, HISTORY, RECORD):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_a_perceptual_variant_loads_without_its_classifier(
    tmp_path: Path, description: Description
) -> None:
    perceptual = example("superres_perceptual")
    description = replace(description, variant=perceptual, classifier_sha256="1" * 64)
    saved = variant.build(description)
    variant.save(tmp_path, description, saved, ROWS)
    loaded = variant.load(tmp_path, Prepared(tmp_path))
    assert loaded.description.classifier_sha256 == "1" * 64
    small = torch.rand(2, 1, 14, 14)
    saved.model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(loaded.model(small), saved.model(small), rtol=0, atol=0)
