"""Errors about files name the stage that makes them: one function knows which one."""

from pathlib import Path

import pytest

from autoencoders import paths, pipeline
from autoencoders.errors import UserError
from autoencoders.files import DamagedFileError, MissingFileError
from autoencoders.pipeline import Item


@pytest.mark.parametrize("item", [*pipeline.items(["mnist"], ["conv"])], ids=lambda item: item.name)
def test_every_output_of_a_stage_is_known_to_be_made_by_it(item: Item) -> None:
    for output in item.outputs:
        assert pipeline.producing_item(output) == item
        assert pipeline.producing_item(output / "part") in (item, Item("report"))


def test_a_missing_file_is_made_and_a_damaged_one_is_made_again() -> None:
    weights = paths.model("mnist", "vae") / "model.safetensors"
    assert pipeline.message_with_advice(MissingFileError(weights)) == (
        "models/mnist/vae/model.safetensors is missing: run `dvc repro train@mnist-vae`"
    )
    assert pipeline.message_with_advice(DamagedFileError(weights, "unreadable (EOFError)")) == (
        "models/mnist/vae/model.safetensors is unreadable (EOFError): "
        "run `dvc repro -f -s train@mnist-vae`"
    )


def test_other_errors_stay_as_they_are() -> None:
    assert pipeline.message_with_advice(UserError("a line")) == "a line"
    assert (
        pipeline.message_with_advice(MissingFileError(Path("elsewhere"))) == "elsewhere is missing"
    )
