"""The README and the other pages: their examples are valid, their links lead to files."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from autoencoders import params, paths, yaml12
from autoencoders.commands.add import insert
from autoencoders.training.tensorflow import supported
from tests.saved import PARAMS, ROOT

README = ROOT / "README.md"
DEVELOPING = ROOT / "docs" / "developing.md"
OWN_IMAGES = ROOT / "docs" / "own-images.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
MAX_LINES, MAX_WORDS = 150, 9000  # of the README; of all pages

document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def yaml_blocks(document: Path) -> list[str]:
    """Return the YAML examples of a document."""
    parts = document.read_text("utf-8").split("```yaml\n")[1:]
    return [part.split("```")[0] for part in parts]


def links(document: Path) -> dict[Path, set[str]]:
    """Return the files and folders of a document's relative links, each with its anchors."""
    found: dict[Path, set[str]] = {}
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        if "://" not in link:
            target = (document.parent / path).resolve() if path else document
            found.setdefault(target, set()).update({anchor} - {""})
    return found


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def experiments(document: Path) -> list[list[str]]:
    """Return the arguments of `-S` of each `dvc exp run` in a document, after the shell."""
    lines = document.read_text("utf-8").splitlines()
    words = [shlex.split(line) for line in lines if line.startswith("dvc exp run")]
    return [[word for flag, word in pairwise(w) if flag == "-S"] for w in words]


def added(document: Path) -> list[str]:
    """Return the example variants that a document adds by `autoencoders add`."""
    lines = document.read_text("utf-8").splitlines()
    return [
        word for line in lines if line.startswith("autoencoders add ") for word in line.split()[2:]
    ]


def test_the_variant_in_the_readme_is_valid_and_four_lines_long() -> None:
    [block] = yaml_blocks(README)
    content = yaml12.read(PARAMS)
    new = yaml12.parse(block)
    content["variants"] |= new
    content["variants_to_run"] += list(new)
    assert params.parse(content, "README.md").variants_to_run[-1] == "denoising_vae"
    assert len(block.splitlines()) == 1 + 4


@pytest.mark.parametrize("block", yaml_blocks(OWN_IMAGES))
def test_each_folder_of_images_is_a_dataset_that_every_default_variant_fits(block: str) -> None:
    content, data = yaml12.read(PARAMS), yaml12.parse(block)
    [(name, folder)] = data["datasets"].items()
    content["data"] |= data
    content["datasets_to_run"] = [name]
    side = folder.get("side") or folder["patches"]["side"]
    parsed = params.parse(content, OWN_IMAGES.name)
    assert params.image_shapes(parsed)[name] == (folder["channels"], side, side)


def test_the_readme_is_short_and_links_to_every_document() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= MAX_LINES
    assert set(DOCUMENTS) - {README} <= links(README).keys()


def test_the_pages_are_short() -> None:
    assert sum(len(page.read_text("utf-8").split()) for page in PAGES) <= MAX_WORDS


@document
def test_every_relative_link_leads_to_an_existing_file_and_heading(document: Path) -> None:
    found = links(document)
    assert [str(path) for path in sorted(found) if not path.exists()] == []
    assert [a for path, names in found.items() for a in names if a not in anchors(path)] == []


def test_every_module_folder_and_constant_of_the_guide_exists() -> None:
    package = ROOT / "src" / "autoencoders"
    words = set(re.findall(r"`([\w./]+)`", DEVELOPING.read_text("utf-8")))
    parts = {word for word in words if word.endswith((".py", "/"))}
    absent = {part for part in parts if not ((ROOT / part).exists() or any(package.rglob(part)))}
    constants = {word for word in words if re.fullmatch("[A-Z_]+", word)}
    code = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    assigned = set(re.findall(r"^([A-Z_]+)(?:: .*)? = ", code, re.MULTILINE))
    assert absent | (constants - assigned) == set()


@document
def test_dvc_applies_the_settings_of_every_experiment_and_the_result_is_valid(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supported, "installed", lambda: True)
    text = PARAMS.read_text("utf-8")
    for name in set(added(document)) - set(yaml12.parse(text)["variants"]):
        text = insert(text, (ROOT / paths.EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    for overrides in experiments(document):
        copy = tmp_path / "params.yaml"
        copy.write_text(text, "utf-8")
        apply_overrides(copy, overrides)
        params.parse(yaml12.read(copy), document.name)
