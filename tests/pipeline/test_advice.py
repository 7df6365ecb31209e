"""Errors about missing and damaged files contain the command that writes them again."""

from pathlib import Path

import pytest

from autoencoders import paths, pipeline
from autoencoders.errors import UserError
from autoencoders.files import DamagedFileError, MissingFileError
from autoencoders.pipeline import Item


@pytest.mark.parametrize("item", [*pipeline.items(["mnist"], ["conv"])], ids=lambda item: item.name)
def test_each_output_belongs_to_its_stage(item: Item) -> None:
    for output in item.outputs:
        assert pipeline.producing_item(output) == item
        assert pipeline.producing_item(output / "part") in (item, Item("report"))


def test_the_commands_for_missing_and_damaged_files_differ() -> None:
    weights = paths.model("mnist", "vae") / "model.safetensors"
    assert pipeline.message_with_advice(MissingFileError(weights)) == (
        "models/mnist/vae/model.safetensors is missing: run `dvc repro train@mnist-vae`"
    )
    assert pipeline.message_with_advice(DamagedFileError(weights, "unreadable (EOFError)")) == (
        "models/mnist/vae/model.safetensors is unreadable (EOFError): "
        "run `dvc repro -f -s train@mnist-vae`"
    )


def test_other_errors_have_no_command() -> None:
    assert pipeline.message_with_advice(UserError("a line")) == "a line"
    assert (
        pipeline.message_with_advice(MissingFileError(Path("elsewhere"))) == "elsewhere is missing"
    )
