"""Tests of the digests that show whether results of several seeds are up to date."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autoencoders import params, paths
from autoencoders.datasets.prepared import METADATA_ADAPTER, Metadata
from autoencoders.dependencies import PACKAGE, Code
from autoencoders.params import Params
from autoencoders.stages.common import current_digests
from tests.saved import PARAMS


@pytest.fixture(autouse=True)
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with a prepared dataset, of which only the metadata are read."""
    monkeypatch.chdir(tmp_path)
    metadata = paths.prepared("mnist") / "metadata.json"
    metadata.parent.mkdir(parents=True)
    content = Metadata("mnist", "MNIST", "official", ("0",), (1, 28, 28), {}, sha256="images")
    metadata.write_bytes(METADATA_ADAPTER.dump_json(content))


@pytest.fixture
def loaded() -> Params:
    return params.load(PARAMS)


def test_digests_follow_the_params_and_data_of_the_variant(loaded: Params) -> None:
    before = current_digests(loaded, Code(), "mnist", "vae")
    assert before == current_digests(loaded, Code(), "mnist", "vae")
    assert before.data == "images"
    others = {"experiment": "other", "datasets_to_run": ["fashion_mnist"]}
    for unused in (loaded.model_copy(update=others), longer(loaded, "conv")):
        assert current_digests(unused, Code(), "mnist", "vae") == before
    for used in (loaded.model_copy(update={"seed": 99}), longer(loaded, "vae")):
        after = current_digests(used, Code(), "mnist", "vae")
        assert after.params != before.params
        assert replace(after, params=before.params) == before


def longer(loaded: Params, name: str) -> Params:
    """Return params in which a variant trains for more epochs."""
    variant = loaded.variants[name]
    training = variant.training.model_copy(update={"epochs": 99})
    changed = {name: variant.model_copy(update={"training": training})}
    return loaded.model_copy(update={"variants": loaded.variants | changed})


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("training/loop.py", True),
        ("evaluation/bounds.py", True),
        ("training/classifier.py", True),
        ("report/page.py", False),
        ("evaluation/seed_results.py", False),
        ("tracking/run.py", False),
    ],
)
def test_digests_follow_the_code_that_trains_and_evaluates(
    file: str, counts: bool, loaded: Params
) -> None:
    before = current_digests(loaded, Code(), "mnist", "vae")
    ignored = shutil.ignore_patterns("__pycache__")
    copy = shutil.copytree(PACKAGE, Path(PACKAGE.name), ignore=ignored)
    edited = copy / file
    edited.write_text(f"{edited.read_text('utf-8')}\n# Nothing new.\n", "utf-8")
    after = current_digests(loaded, Code(copy), "mnist", "vae")
    assert (after.code != before.code) == counts
