"""Tests of the files of several seeds: content, damage, changes since."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autoencoders import paths
from autoencoders.errors import UserError
from autoencoders.evaluation import seed_results
from autoencoders.evaluation.seed_results import Digests, SeedResults

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


def test_results_agree_with_a_run_that_gives_the_same_metrics_for_its_seed() -> None:
    same = {"psnr": 14.0, "active_units": 2, "a new metric": 1.0, "yardsticks": {}}
    assert RESULTS.agree(1, same)
    assert not RESULTS.agree(1, same | {"psnr": 14.000001})
    assert not RESULTS.agree(1, {"psnr": 14.0})
    assert not RESULTS.agree(3, same)


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
    assert message.endswith("): delete it, then run `autoencoders seeds mnist/vae`")
    assert "\n" not in message
