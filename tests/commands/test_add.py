"""`autoencoders add`: copy example variants into params.yaml."""

import shutil
from pathlib import Path

import pytest

from autoencoders import params, paths, yaml12
from autoencoders.commands import add
from tests.saved import PARAMS, ROOT, run

NAMES = sorted(path.stem for path in (ROOT / paths.EXAMPLES).glob("*.yaml"))


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a folder with params.yaml and the examples."""
    shutil.copy(PARAMS, tmp_path)
    shutil.copytree(ROOT / paths.EXAMPLES, tmp_path / paths.EXAMPLES)
    monkeypatch.chdir(tmp_path)


def test_an_example_is_inserted_after_the_last_variant_with_its_comment() -> None:
    before = paths.PARAMS.read_text("utf-8")
    example = (paths.EXAMPLES / "conv_tutorial.yaml").read_text("utf-8")
    lines, errors = run(add, "add", "conv_tutorial")
    assert errors == []
    assert "dvc exp run -S 'variants_to_run=[conv_tutorial]'" in lines[0]
    indented = "".join(f"  {line}" for line in example.splitlines(keepends=True))
    after = paths.PARAMS.read_text("utf-8")
    assert indented.startswith("  # The variant conv with the training settings")
    assert after.replace(f"\n{indented}", "") == before
    assert list(params.load().variants)[-1] == "conv_tutorial"


def test_every_example_is_valid_and_listed_in_one_line() -> None:
    listed, _ = run(add, "add", "--list")
    assert [line.split()[0] for line in listed] == NAMES
    assert max(map(len, listed)) <= 120
    _, errors = run(add, "add", *NAMES, *NAMES)
    assert errors == []
    variants = yaml12.read(paths.PARAMS)["variants"]
    assert sorted(params.load().variants) == sorted(variants)
    for name in NAMES:
        assert yaml12.read(paths.EXAMPLES / f"{name}.yaml") == {name: variants[name]}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["vae_tutorial", "conv"], "VARIANT: params.yaml already has 'conv'; rename one"),
        (["vae_tutorail"], "VARIANT: found 'vae_tutorail'; did you mean 'vae_tutorial'?; allowed"),
    ],
)
def test_an_existing_or_unknown_name_adds_nothing(names: list[str], message: str) -> None:
    before = paths.PARAMS.read_text("utf-8")
    lines, [error] = run(add, "add", *names)
    assert (lines, error[: len(message)]) == ([], message)
    assert paths.PARAMS.read_text("utf-8") == before


def test_invalid_params_stay_unchanged_with_an_error() -> None:
    text = paths.PARAMS.read_text("utf-8").replace("epochs: 30", "epochs: thirty")
    paths.PARAMS.write_text(text, "utf-8")
    lines, [error] = run(add, "add", "superres_2x")
    assert (lines, error[:44]) == ([], "params.yaml: variants.vae.training.epochs: f")
    assert paths.PARAMS.read_text("utf-8") == text
