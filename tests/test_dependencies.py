"""Tests which edits of the code change the lists of source files of which stages."""

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
from autoencoders.variants.models import convolutional, residual_mlp
from autoencoders.variants.objectives import adversarial, perceptual
from autoencoders.variants.priors import standard_normal
from tests.saved import PARAMS

ROOT = PACKAGE.parents[1]
VARIANTS = ["conv", "vae", "aae", "superres_perceptual"]
COMMENT = "\n# Nothing new.\n"
CLASS = '''"""Pull similar images together."""


class Contrastive:
    """Not used in params.yaml."""
'''


def content() -> Any:
    """Return the tests' params with all example variants, to run `VARIANTS` on one dataset."""
    params = yaml12.read(PARAMS)
    for example in (ROOT / paths.EXAMPLES).glob("*.yaml"):
        params["variants"] |= yaml12.read(example)
    return params | {"datasets_to_run": ["mnist"], "variants_to_run": VARIANTS}


CONTENT = content()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the package; tests must undo their edits."""
    ignored = shutil.ignore_patterns("__pycache__")
    target = tmp_path_factory.mktemp("source") / PACKAGE.name
    return shutil.copytree(PACKAGE, target, ignore=ignored)


@pytest.fixture(scope="module")
def before(package: Path) -> dict[Item, str]:
    return lists(package)


def lists(package: Path) -> dict[Item, str]:
    """Return the list of each run of a stage, made from the current source."""
    code = Code(package)
    return {
        item: dependencies.listing(item.stage, item.variant, CONTENT, code)
        for item in items(["mnist"], VARIANTS)
    }


@contextmanager
def edited(texts: dict[Path, str]) -> Iterator[None]:
    """Replace the texts of files within a `with` block."""
    old = {path: path.read_text("utf-8") for path in texts}
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    yield
    for path, text in old.items():
        path.write_text(text, "utf-8")


def changed(before: dict[Item, str], after: dict[Item, str]) -> set[str]:
    """Return the runs whose lists differ, such as `train vae`."""
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
        (within(residual_mlp), []),
        (within(muon), ["conv", "superres_perceptual"]),
        (within(standard_normal), ["vae", "aae"]),
        (within(adversarial), ["aae"]),
        (within(perceptual), ["superres_perceptual"]),
        (within(classifier), ["superres_perceptual"]),
    ],
    ids=str,
)
def test_an_edit_changes_only_the_lists_that_contain_the_file(
    package: Path, before: dict[Item, str], file: Path, trained: list[str]
) -> None:
    path = package / file
    with edited({path: path.read_text("utf-8") + COMMENT}):
        names = changed(before, lists(package))
    line = f"{package.name}/{file.as_posix()} "
    assert names == {f"{i.stage} {i.variant}".strip() for i, text in before.items() if line in text}
    assert {name for name in names if "train" in name} == {f"train {name}" for name in trained}


def test_code_sha256_is_the_digest_of_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(yaml12.dump(CONTENT), "utf-8")
    dependencies.write()
    for variant in ("vae", "conv"):
        content = paths.sources("train", variant).read_bytes()
        assert dependencies.code_sha256("train", variant) == hashlib.sha256(content).hexdigest()


def test_code_that_does_not_train_is_in_no_list_of_train(
    package: Path, before: dict[Item, str]
) -> None:
    files = [package / within(module) for module in (bounds, table, commands, tracking)]
    files += package.rglob("tensorflow/*.py")
    with edited({path: path.read_text("utf-8") + COMMENT for path in files}):
        names = changed(before, lists(package))
    assert {name.split()[0] for name in names} == {"evaluate", "figures"}


def test_a_new_entry_of_a_registry_changes_no_list(package: Path, before: dict[Item, str]) -> None:
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
        names = changed(before, lists(package))
    assert {name for name in names if "train" in name} == {"train vae"}


def test_all_components_of_a_variant_are_in_its_list() -> None:
    code = Code()
    for name, variant in CONTENT["variants"].items():
        listed = dependencies.listing("train", name, CONTENT, code)
        for component in components(Variant.model_validate(variant)):
            defined = component.constructor.__module__.replace(".", "/")
            assert f"{defined}.py " in listed or f"{defined}/__init__.py " in listed
        assert ("/tensorflow/" in listed) == name.endswith("_tensorflow")


def components(part: Any) -> Iterator[Component]:
    """Yield all components of a variant's settings, also defaults."""
    if isinstance(part, Component):
        yield part
    if isinstance(part, Strict):
        part = {name: getattr(part, name) for name in type(part).model_fields}
    for inner in part.values() if isinstance(part, dict) else ():
        yield from components(inner)


def test_an_unused_sampler_is_not_in_the_list_of_evaluate() -> None:
    evaluation = dependencies.listing("evaluate", "vae", CONTENT, Code())
    figures = dependencies.listing("figures", "vae", CONTENT, Code())
    assert CONTENT["evaluation"]["samplers"] == ["prior"]
    assert ("samplers/prior.py" in evaluation, "samplers/mixture.py" in evaluation) == (True, False)
    assert "samplers/mixture.py" in figures


@pytest.mark.parametrize("bad", ["variants: 5\n", "variants: {conv: 5}\n", "[]\n", ""])
def test_an_error_about_params_without_variants_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(bad, "utf-8")
    with pytest.raises(
        UserError, match=r"params.yaml is not valid: run `autoencoders check` to see why"
    ):
        dependencies.write()
    assert not paths.SOURCES.exists()
