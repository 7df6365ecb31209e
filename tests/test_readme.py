"""What the README and the documents beside it tell people to write must be true."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from autoencoders import params, paths, yaml12
from autoencoders.commands.add import inserted
from autoencoders.training.tensorflow import supported
from tests.saved import PARAMS, ROOT

README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]

document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def blocks() -> list[str]:
    parts = README.read_text("utf-8").split("```yaml\n")[1:]
    return [part.split("```")[0] for part in parts]


def links(document: Path) -> set[Path]:
    """Return the files and folders that a document's relative links and pictures lead to."""
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8"))
    relative = (target.split("#")[0] for target in targets if "://" not in target)
    return {(document.parent / target).resolve() for target in relative}


def experiments(document: Path) -> list[list[str]]:
    """Return what each `dvc exp run` of a document sets, as the shell passes it on."""
    lines = document.read_text("utf-8").splitlines()
    words = [shlex.split(line) for line in lines if line.startswith("dvc exp run")]
    return [[word for flag, word in pairwise(w) if flag == "-S"] for w in words]


def added(document: Path) -> list[str]:
    """Return the examples that a document has people add to their params."""
    lines = document.read_text("utf-8").splitlines()
    return [
        word for line in lines if line.startswith("autoencoders add ") for word in line.split()[2:]
    ]


def test_the_variant_in_the_readme_is_valid_and_four_lines_long() -> None:
    block = blocks()[0]
    content = yaml12.read(PARAMS)
    new = yaml12.parse(block)
    content["variants"] |= new
    content["variants_to_run"] += list(new)
    assert params.parse(content, "README.md").variants_to_run[-1] == "denoising_vae"
    assert len(block.splitlines()) == 1 + 4


def test_the_folder_of_images_in_the_readme_is_a_dataset_that_every_default_variant_fits() -> None:
    content = yaml12.read(PARAMS)
    content["data"] |= yaml12.parse(blocks()[1])
    content["datasets_to_run"] = ["birds"]
    parsed = params.parse(content, "README.md")
    assert params.image_shapes(parsed)["birds"] == (3, 64, 64)


def test_the_readme_is_short_and_leads_to_every_document() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 180
    assert set(DOCUMENTS) - {README} <= links(README)


@document
def test_every_relative_link_leads_to_a_file_that_exists(document: Path) -> None:
    assert [str(path) for path in sorted(links(document)) if not path.exists()] == []


@document
def test_dvc_can_set_what_every_experiment_sets_and_the_result_is_valid(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supported, "installed", lambda: True)
    text = PARAMS.read_text("utf-8")
    for name in set(added(document)) - set(yaml12.parse(text)["variants"]):
        text = inserted(text, (ROOT / paths.EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    for overrides in experiments(document):
        copy = tmp_path / "params.yaml"
        copy.write_text(text, "utf-8")
        apply_overrides(copy, overrides)
        params.parse(yaml12.read(copy), document.name)
