from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoencoders import params, trained
from autoencoders.errors import UserError

ROOT = Path(__file__).parents[1]
HISTORY = [{"epoch": 1, "validation_loss": 0.5}, {"epoch": 2, "validation_loss": 0.25}]


@pytest.fixture
def description() -> trained.Description:
    return trained.Description(
        dataset="mnist",
        name="conv",
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=(1, 28, 28),
        variant=params.load(ROOT / "params.yaml").variants["conv"],
    )


def test_what_is_loaded_is_what_was_saved(tmp_path: Path, description: trained.Description) -> None:
    networks = trained.build(description)
    folder = tmp_path / "mnist" / "conv"
    trained.save(folder, description, networks, HISTORY)
    loaded_description, loaded = trained.load(folder)
    assert loaded_description == description
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(
        loaded.as_module().state_dict(), networks.as_module().state_dict(), rtol=0, atol=0
    )
    networks.model.to(memory_format=torch.channels_last)  # as `load` lays them: sums round alike
    torch.testing.assert_close(loaded.model(images), networks.model(images), rtol=0, atol=0)
    assert trained.best_epoch(trained.load_history(folder)) == HISTORY[1]


def test_the_same_weights_are_the_same_bytes(
    tmp_path: Path, description: trained.Description
) -> None:
    folders = [tmp_path / name / "conv" for name in ("a", "b")]
    for folder in folders:
        trained.save(folder, description, trained.build(description), HISTORY)
    for name in (trained.WEIGHTS, trained.HISTORY, trained.PARAMS):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_a_perceptual_variant_loads_and_decodes_without_the_classifier_that_it_learnt_from(
    tmp_path: Path, description: trained.Description
) -> None:
    variant = params.load(ROOT / "params.yaml").variants["superres_perceptual"]
    learnt = replace(description, variant=variant, classifier_sha256="1" * 64)
    networks = trained.build(learnt, perceive=lambda images: [images])
    trained.save(tmp_path / "mnist" / "superres_perceptual", learnt, networks, HISTORY)
    loaded_description, loaded = trained.load(tmp_path / "mnist" / "superres_perceptual")
    assert loaded_description.classifier_sha256 == "1" * 64
    small = torch.rand(2, 1, 14, 14)
    networks.model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(loaded.model(small), networks.model(small), rtol=0, atol=0)


@pytest.mark.parametrize("damage", ["another model's", "cut off", "missing"])
def test_weights_that_do_not_fit_are_one_line_that_names_the_stage(
    tmp_path: Path, description: trained.Description, damage: str
) -> None:
    folder = tmp_path / "mnist" / "conv"
    trained.save(folder, description, trained.build(description), HISTORY)
    weights = folder / trained.WEIGHTS
    if damage == "another model's":
        described = (folder / trained.PARAMS).read_text("utf-8")
        (folder / trained.PARAMS).write_text(described.replace("- 16", "- 4"), "utf-8")
    elif damage == "cut off":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        weights.unlink()
    with pytest.raises(UserError, match=r"train@mnist-conv") as error:
        trained.load(folder)
    assert "\n" not in str(error.value)
