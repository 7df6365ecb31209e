"""The stages that DVC runs again after edits of the code.

The outputs are dummy files that DVC takes for the pipeline's: these tests train nothing.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo

from autoencoders import paths
from autoencoders.dependencies import PACKAGE
from autoencoders.params.editing import with_value
from autoencoders.pipeline import items
from autoencoders.running import dvc_state
from tests.saved import clone

pytestmark = pytest.mark.slow
VARIANTS = ["conv", "vae", "aae"]
TRAININGS = {f"train@mnist-{variant}" for variant in VARIANTS}
KEY = "training.initial_weights"
SOURCE = PACKAGE.relative_to(PACKAGE.parents[1])


@pytest.fixture(scope="module", autouse=True)
def repository(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Iterator[None]:
    """Change to a copy of the repository in which all stages are up to date for DVC."""
    folder = clone(tmp_path_factory.mktemp("sources") / "copy", VARIANTS, environment)
    with pytest.MonkeyPatch.context() as patched, contextlib.chdir(folder):
        for name, value in (environment | {"PYTHONPATH": os.fspath(folder / "src")}).items():
            patched.setenv(name, value)
        with Repo() as repo:
            repo.reproduce("sources", single_item=True)
            for out in (Path(out.fs_path) for stage in repo.index.stages for out in stage.outs):
                target = out if out.suffix or out.exists() else out / "params.yaml"
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    target.write_text("dummy", "utf-8")
            repo.commit(force=True)
        yield


@pytest.fixture
def listed() -> Iterator[dict[str, str]]:
    """Yield the list of files of each stage; undo edits afterwards."""
    lists = {i.name: paths.sources(i.stage, i.variant) for i in items(["mnist"], VARIANTS)}
    yield {name: path.read_text("utf-8") for name, path in lists.items()}
    subprocess.run(["git", "checkout", "--quiet", SOURCE], check=True)
    subprocess.run(["git", "clean", "--quiet", "--force", "-d", SOURCE], check=True)
    assert outdated() == set()


def outdated() -> set[str]:
    """Run the stage `sources`; return the stages that DVC would run next."""
    with Repo() as repo:
        repo.reproduce("sources", single_item=True)
        return set(repo.status())


def comment(*files: str) -> None:
    for file in files:
        with (SOURCE / file).open("a", encoding="utf-8") as source:
            source.write("\n# Nothing new.\n")


@pytest.mark.parametrize(
    ("edited", "trained"),
    [
        (["training/loop.py"], TRAININGS),
        (["variants/models/mlp.py"], {"train@mnist-vae", "train@mnist-aae"}),
        (["variants/priors/standard_normal.py"], {"train@mnist-vae", "train@mnist-aae"}),
        (["figures/table.py", "evaluation/bounds.py", "report/page.py"], set()),
    ],
    ids=lambda files: "-".join(sorted(files)),
)
def test_an_edited_file_reruns_only_the_stages_that_import_it(
    listed: dict[str, str], edited: list[str], trained: set[str]
) -> None:
    comment(*edited)
    found = outdated()
    assert found & TRAININGS == trained
    lines = [f"{PACKAGE.name}/{file} " for file in edited]
    expected = {n for n, files in listed.items() if any(line in files for line in lines)}
    # The report shows whether the results of several seeds are of the present code.
    if any(name.startswith(("train", "evaluate", "classify")) for name in expected):
        expected.add("report")
    assert found == expected


@pytest.mark.usefixtures("listed")
def test_code_that_no_variant_imports_reruns_only_sources() -> None:
    comment("variants/models/residual_mlp.py", "variants/objectives/perceptual.py")
    comment("commands/__init__.py", "tracking/__init__.py", "cli.py")
    comment(*(os.fspath(f.relative_to(PACKAGE)) for f in PACKAGE.rglob("tensorflow/*.py")))
    (SOURCE / "variants/objectives/contrastive.py").write_text("class Contrastive: ...\n", "utf-8")
    with Repo() as repo:
        assert set(repo.status()) == {"sources"}
    assert outdated() == set()


@pytest.mark.usefixtures("listed")
def test_autoencoders_repro_updates_the_lists_first() -> None:
    comment("variants/models/residual_mlp.py")
    assert not dvc_state.read_state().to_run


def test_other_initial_weights_rerun_only_their_training() -> None:
    weights, text = Path("start.safetensors"), paths.PARAMS.read_text("utf-8")
    weights.write_bytes(b"old")
    paths.PARAMS.write_text(with_value(text, f"variants.vae.{KEY}", weights.name), "utf-8")
    assert outdated() & TRAININGS == {"train@mnist-vae"}
    commit_training()
    weights.write_bytes(b"new")
    with Repo() as repo:
        assert set(repo.status()) == {"sources"}
    assert outdated() & TRAININGS == {"train@mnist-vae"}
    commit_training()
    assert outdated() == set()
    for change in (lambda: weights.write_bytes(b"newer"), weights.unlink):
        change()
        assert set(dvc_state.read_state().to_run) & TRAININGS == {"train@mnist-vae"}
        commit_training()
        with Repo() as repo:
            assert repo.status() == {}
    paths.PARAMS.write_text(text, "utf-8")
    assert outdated() & TRAININGS == {"train@mnist-vae"}
    commit_training()


def commit_training() -> None:
    """Make DVC take the outputs of the training, and of the report, for those of these weights."""
    with Repo() as repo:
        for stage in ("train@mnist-vae", "report"):
            repo.commit(stage, force=True)
