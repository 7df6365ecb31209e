"""Tests of the files of several seeds: content, damage, and what makes them out of date."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoencoders import paths
from autoencoders.datasets.prepared import METADATA_ADAPTER, Metadata
from autoencoders.dependencies import PACKAGE, Code
from autoencoders.errors import UserError
from autoencoders.evaluation import seed_results
from autoencoders.evaluation.seed_results import Digests, SeedResults, current_digests
from autoencoders.params import load
from tests.saved import PARAMS

RESULTS = SeedResults(
    dataset="mnist",
    variant="vae",
    source="official",
    n_images=10_000,
    digests=Digests(params="a", data="b", code="c"),
    seeds={2: {"psnr": 14.5}, 1: {"psnr": 14.0, "active_units": 2}},
)
FILE = paths.seeds("mnist", "vae")


@pytest.fixture(autouse=True)
def in_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_file_has_the_metrics_of_each_seed() -> None:
    assert seed_results.load("mnist", "vae") is None
    seed_results.save(RESULTS)
    assert seed_results.load("mnist", "vae") == RESULTS
    content = json.loads(FILE.read_text("utf-8"))
    assert list(content) == ["dataset", "variant", "source", "n_images", "digests", "seeds"]
    assert list(content["seeds"]) == ["1", "2"]


def test_values_of_a_metric_leave_out_seeds_without_it() -> None:
    assert RESULTS.metrics == ["psnr", "active_units"]
    assert RESULTS.values("psnr") == {1: 14.0, 2: 14.5}
    assert RESULTS.values("active_units") == {1: 2}


def test_changes_name_the_digests_that_differ() -> None:
    assert RESULTS.changes(RESULTS.digests) == []
    current = replace(RESULTS.digests, params="other", code="other")
    assert RESULTS.changes(current) == ["params", "code"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"psnr": 14.0', '"psnr": "high"', "seeds.1.psnr: Input should be a valid number"),
        ('"psnr": 14.0', '"psnr": NaN', "seeds.1.psnr: Input should be a finite number"),
        ('"1": {', '"one": {', "seeds.one"),
        ('"digests"', '"digest"', "digests: Field required"),
        ('"variant": "vae"', '"variant": "conv"', "found the results of mnist/conv; allowed"),
        ("{", "", "Invalid JSON"),
    ],
)
def test_an_error_about_a_damaged_file_is_one_line(old: str, new: str, reason: str) -> None:
    seed_results.save(RESULTS)
    FILE.write_text(FILE.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(UserError) as caught:
        seed_results.load("mnist", "vae")
    message = str(caught.value)
    assert message.startswith(f"{FILE} is unreadable (")
    assert reason in message
    assert message.endswith("): delete it, or run `autoencoders seeds mnist/vae`")
    assert "\n" not in message


@pytest.fixture
def params() -> dict[str, Any]:
    """The resolved params of a repository whose dataset is prepared."""
    metadata = paths.prepared("mnist") / "metadata.json"
    metadata.parent.mkdir(parents=True)
    content = Metadata("mnist", "MNIST", "official", ("0",), (1, 28, 28), {}, sha256="images")
    metadata.write_bytes(METADATA_ADAPTER.dump_json(content))
    return load(PARAMS).model_dump(mode="json")


def test_digests_follow_the_params_and_data_of_the_variant(params: dict[str, Any]) -> None:
    before = current_digests(params, "mnist", "vae")
    assert before == current_digests(params, "mnist", "vae")
    assert before.data == "images"
    changed = {name: changed_params(params, name) for name in ("vae", "conv", "seed")}
    digests = {name: current_digests(new, "mnist", "vae") for name, new in changed.items()}
    assert digests["conv"] == before  # another variant
    assert digests["vae"] == replace(before, params=digests["vae"].params) != before
    assert digests["seed"] == replace(before, params=digests["seed"].params) != before
    unused = {"figures": {}, "data": {}, "datasets_to_run": [], "experiment": "other"}
    assert current_digests(params | unused, "mnist", "vae") == before


def changed_params(params: dict[str, Any], name: str) -> dict[str, Any]:
    """Return params with another seed, or with another number of epochs of a variant."""
    if name == "seed":
        return params | {"seed": 99}
    variant = params["variants"][name]
    variant = variant | {"training": variant["training"] | {"epochs": 99}}
    return params | {"variants": params["variants"] | {name: variant}}


@pytest.mark.parametrize(
    ("file", "reruns"),
    [
        ("training/loop.py", True),
        ("evaluation/bounds.py", True),
        ("report/page.py", False),
        ("evaluation/seed_results.py", False),
        ("tracking/run.py", False),
    ],
)
def test_digests_follow_the_code_that_trains_and_evaluates(
    file: str, reruns: bool, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current_digests(params, "mnist", "vae")
    ignored = shutil.ignore_patterns("__pycache__")
    copy = shutil.copytree(PACKAGE, Path(PACKAGE.name), ignore=ignored)
    edited = copy / file
    edited.write_text(f"{edited.read_text('utf-8')}\n# Nothing new.\n", "utf-8")
    monkeypatch.setattr(seed_results, "Code", lambda: Code(copy))
    after = current_digests(params, "mnist", "vae")
    assert (after.code != before.code) == reruns
