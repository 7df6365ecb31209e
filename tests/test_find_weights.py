"""The weights that `training.initial_weights` names."""

import hashlib
from pathlib import Path

import pytest

from autoencoders import find_weights, paths, ready
from autoencoders.errors import UserError
from autoencoders.trained import variant
from autoencoders.trained.variant import ADAPTER
from autoencoders.training.initial_weights import load_weights
from tests.saved import lay_out


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of a repository with the weights of a trained variant."""
    lay_out(tmp_path)
    folder = tmp_path / paths.model("mnist", "vae")
    folder.mkdir(parents=True)
    (folder / paths.WEIGHTS).write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["models/mnist/vae", f"models/mnist/vae/{paths.WEIGHTS}"])
def test_a_name_is_a_file_or_its_folder_in_the_repository(repository: Path, name: str) -> None:
    assert find_weights.read(name) == b"weights"
    assert find_weights.sha256(name) == hashlib.sha256(b"weights").hexdigest()
    assert find_weights.watched(name) == repository / "models/mnist/vae" / paths.WEIGHTS


def test_a_ready_network_fits_its_variant() -> None:
    description = ADAPTER.validate_python(ready.card("mnist_vae").params)
    load_weights(variant.build(description).networks, find_weights.read("mnist_vae"))


def test_missing_weights_are_one_clear_error_and_have_a_digest() -> None:
    with pytest.raises(UserError, match=r"found 'models/mnist/conv', but .*conv does not exist;"):
        find_weights.read("models/mnist/conv")
    assert find_weights.sha256("models/mnist/conv") == find_weights.MISSING
    assert find_weights.watched("models/mnist/conv") is None


def test_mistakes_in_names_have_a_clear_error() -> None:
    with pytest.raises(UserError, match=r"did you mean 'mnist_vae'\?"):
        find_weights.read("mnist_vea")
    with pytest.raises(UserError, match=r"found 'models:/x'; allowed: models:/NAME@ALIAS or"):
        find_weights.read("models:/x")
