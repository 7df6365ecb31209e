"""What depends on what, held against the code."""

from pathlib import Path
from typing import Any

import pytest

from autoencoders import pipeline, yaml12
from tests.imports import PACKAGE, graph, reached_from

ROOT = Path(__file__).parents[1]
STAGES: dict[str, Any] = yaml12.read(ROOT / "dvc.yaml")["stages"]

# Each may import those before it, and none after it.
LAYERS = (
    *("errors", "keys", "lazy"),
    *("files", "paths", "checkout", "device", "randomness", "components", "decomposition"),
    *("yaml12", "pipeline"),
    "data",
    "sources",
    "packing",
    "variants",
    "training",
    "trained",
    "samplers",
    "evaluation",
    "figures",
    "report",
    "params",
    "tracking",
    *("progress", "running"),
    "stages",
    "application",
    "serving",
    "commands",
    "cli",
)
# What passes values on and decides no byte: params and files are dependencies themselves.
GLUE = {"", "components", "device", "errors", "files", "keys", "lazy", "params", "paths"}
GLUE |= {"pipeline", "progress", "stages", "stages.common", "tracking", "running", "yaml12"}
# What else a stage imports, and why it decides none of its bytes.
EXCUSED = {
    # They are read for their titles, keys or types alone; what they decide is in files.
    "classify": {"variants", "evaluation"},  # the classifier has its own file
    "pixels": {"variants", "training", "trained", "samplers", "decomposition"},
    "evaluate": {"training"},
    "figures": {"training"},
    "report": {"sources"},
}


def folder(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def test_no_import_runs_upwards() -> None:
    upwards = [
        f"{module} imports {name}"
        for module in graph().keys() - {""}
        for name in graph()[module]
        if LAYERS.index(folder(name)) > LAYERS.index(folder(module))
    ]
    assert upwards == []


def test_every_folder_and_file_has_its_layer() -> None:
    assert {folder(name) for name in graph()} - {""} == set(LAYERS)


def test_parts_of_a_folder_do_not_import_each_other_in_circles() -> None:
    for module in graph():
        behind = {name for first in graph()[module] for name in reached_from(first)}
        assert module not in behind, module


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_code_that_decides_its_bytes(stage: str) -> None:
    dependencies = [Path(d) for d in STAGES[stage]["deps"] if d.startswith("src/")]
    assert all((ROOT / dependency).exists() for dependency in dependencies)
    # Params import everything that they can build, to read the signatures.
    reached = reached_from(f"stages.{stage}", without=frozenset({"params", "stages.common"}))
    unlisted = {
        name
        for name in reached - GLUE
        if folder(name) not in EXCUSED.get(stage, set()) | {"params", "tracking"}
        and not any(covers(dependency, name) for dependency in dependencies)
    }
    assert unlisted == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_no_code_that_it_does_not_use(stage: str) -> None:
    used = reached_from(f"stages.{stage}")
    for dependency in (Path(d) for d in STAGES[stage]["deps"] if d.startswith("src/")):
        assert any(covers(dependency, name) for name in used), dependency


def covers(dependency: Path, name: str) -> bool:
    source = Path("src/autoencoders", *name.split("."))
    return dependency in (source, source.with_suffix(".py"), *source.parents)


def test_dvc_runs_the_stages_of_the_table() -> None:
    assert list(STAGES) == [stage.name for stage in pipeline.STAGES]
    for stage in pipeline.STAGES:
        described = STAGES[stage.name]
        assert tuple(described.get("matrix", ())) == stage.matrix
        arguments = [f"${{item.{axis}}}" for axis in stage.matrix]
        assert described["cmd"] == " ".join(["autoencoders", stage.name, *arguments])
        assert (PACKAGE / "stages" / f"{stage.name}.py").exists()


@pytest.mark.parametrize(
    ("library", "folders"),
    [("mlflow", {"tracking"}), ("dvc", {"running"}), ("torchvision", {"sources"})],
)
def test_a_library_has_one_folder_that_imports_it(library: str, folders: set[str]) -> None:
    importers = {
        source.relative_to(PACKAGE).parts[0]
        for source in PACKAGE.rglob("*.py")
        if f"import {library}" in source.read_text("utf-8")
        or f"from {library}" in source.read_text("utf-8")
    }
    assert importers == folders
