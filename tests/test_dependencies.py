"""The lists of code that stages depend on: what an edit changes in them, and what it does not."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoencoders import commands, dependencies, paths, randomness, tracking, yaml12
from autoencoders.components import Component, Strict
from autoencoders.dependencies import PACKAGE, Code
from autoencoders.errors import UserError
from autoencoders.evaluation import bounds
from autoencoders.figures import table
from autoencoders.pipeline import Item, items
from autoencoders.training import classifier, loop, muon
from autoencoders.training.settings import Variant
from autoencoders.variants import objectives
from autoencoders.variants.models import convolutional, residual
from autoencoders.variants.objectives import adversarial, perceptual
from autoencoders.variants.priors import standard_normal
from tests.saved import PARAMS

ROOT = PACKAGE.parents[1]
VARIANTS = ["conv", "vae", "aae", "superres_perceptual"]
COMMENT = "\n# Nothing new.\n"
CLASS = '''"""Pull alike images together."""


class Contrastive:
    """Nobody names it in params.yaml."""
'''


def content() -> Any:
    """Return the tests' params with all examples, to run some variants on one dataset."""
    whole = yaml12.read(PARAMS)
    for example in (ROOT / paths.EXAMPLES).glob("*.yaml"):
        whole["variants"] |= yaml12.read(example)
    return whole | {"datasets_to_run": ["mnist"], "variants_to_run": VARIANTS}


CONTENT = content()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the package; who edits it mends it."""
    ignored = shutil.ignore_patterns("__pycache__")
    target = tmp_path_factory.mktemp("source") / PACKAGE.name
    return shutil.copytree(PACKAGE, target, ignore=ignored)


@pytest.fixture(scope="module")
def before(package: Path) -> dict[Item, str]:
    return lists(package)


def lists(package: Path) -> dict[Item, str]:
    """Return the list of each stage, by what it runs for, as the source lies there now."""
    code = Code(package)
    return {
        item: dependencies.listing(item.stage, item.variant, CONTENT, code)
        for item in items(["mnist"], VARIANTS)
    }


@contextmanager
def edited(texts: dict[Path, str]) -> Iterator[None]:
    """Write texts over files for as long as the context lasts."""
    old = {path: path.read_text("utf-8") for path in texts}
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    yield
    for path, text in old.items():
        path.write_text(text, "utf-8")


def changed(before: dict[Item, str], after: dict[Item, str]) -> set[str]:
    """Return the stages whose lists differ, without the dataset: `train vae`."""
    return {f"{i.stage} {i.variant}".strip() for i in before if before[i] != after[i]}


def within(module: ModuleType) -> Path:
    assert module.__file__
    return Path(module.__file__).relative_to(PACKAGE)


@pytest.mark.parametrize(
    ("file", "trained"),
    [
        (within(loop), VARIANTS),
        (within(randomness), VARIANTS),
        (within(convolutional), ["conv", "superres_perceptual"]),
        (within(residual), []),
        (within(muon), ["conv", "superres_perceptual"]),
        (within(standard_normal), ["vae", "aae"]),
        (within(adversarial), ["aae"]),
        (within(perceptual), ["superres_perceptual"]),
        (within(classifier), ["superres_perceptual"]),
    ],
    ids=str,
)
def test_an_edit_changes_the_lists_that_name_the_file_and_no_others(
    package: Path, before: dict[Item, str], file: Path, trained: list[str]
) -> None:
    path = package / file
    with edited({path: path.read_text("utf-8") + COMMENT}):
        found = changed(before, lists(package))
    line = f"{package.name}/{file.as_posix()} "
    assert found == {f"{i.stage} {i.variant}".strip() for i, text in before.items() if line in text}
    assert {name for name in found if "train" in name} == {f"train {name}" for name in trained}


def test_the_digest_of_a_list_is_that_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(yaml12.dump(CONTENT), "utf-8")
    dependencies.write()
    for variant in ("vae", "conv"):
        content = paths.sources("train", variant).read_bytes()
        assert dependencies.code_sha256("train", variant) == hashlib.sha256(content).hexdigest()


def test_what_trains_nothing_is_in_no_list_of_a_training(
    package: Path, before: dict[Item, str]
) -> None:
    files = [package / within(module) for module in (bounds, table, commands, tracking)]
    files += package.rglob("tensorflow/*.py")
    with edited({path: path.read_text("utf-8") + COMMENT for path in files}):
        found = changed(before, lists(package))
    assert {name.split()[0] for name in found} == {"evaluate", "figures"}


def test_what_is_new_in_a_registry_changes_no_list(package: Path, before: dict[Item, str]) -> None:
    registry = package / within(objectives)
    (registry.parent / "contrastive.py").write_text(CLASS, "utf-8")
    text = registry.read_text("utf-8").replace(
        "import Adversarial\n",
        f"import Adversarial\nfrom {objectives.__name__}.contrastive import Contrastive\n",
    )
    text = text.replace("] = {\n", '] = {\n    "contrastive": Contrastive,\n')
    assert text.count("Contrastive") == 2
    with edited({registry: text}):
        assert changed(before, lists(package)) == set()
    with edited({registry: text.replace(": Variational", ": Contrastive")}):
        found = changed(before, lists(package))
    assert {name for name in found if "train" in name} == {"train vae"}


def test_all_that_a_variant_is_built_of_is_in_its_list() -> None:
    code = Code()
    for name, variant in CONTENT["variants"].items():
        listed = dependencies.listing("train", name, CONTENT, code)
        for component in components(Variant.model_validate(variant)):
            defined = component.constructor.__module__.replace(".", "/")
            assert f"{defined}.py " in listed or f"{defined}/__init__.py " in listed
        assert ("/tensorflow/" in listed) == name.endswith("_tensorflow")


def components(part: Any) -> Iterator[Component]:
    """Yield all that is built of a variant's settings, defaults too."""
    if isinstance(part, Component):
        yield part
    if isinstance(part, Strict):
        part = {name: getattr(part, name) for name in type(part).model_fields}
    for inner in part.values() if isinstance(part, dict) else ():
        yield from components(inner)


def test_a_sampler_that_the_evaluation_does_not_draw_from_is_not_in_its_list() -> None:
    drawn = dependencies.listing("evaluate", "vae", CONTENT, Code())
    shown = dependencies.listing("figures", "vae", CONTENT, Code())
    assert CONTENT["evaluation"]["samplers"] == ["prior"]
    assert ("samplers/prior.py" in drawn, "samplers/mixture.py" in drawn) == (True, False)
    assert "samplers/mixture.py" in shown


@pytest.mark.parametrize("bad", ["variants: 5\n", "variants: {conv: 5}\n", "[]\n", ""])
def test_params_that_do_not_say_which_code_is_used_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(bad, "utf-8")
    with pytest.raises(
        UserError, match=r"params.yaml is not valid: run `autoencoders check` to see why"
    ):
        dependencies.write()
    assert not paths.SOURCES.exists()
