"""Checks the dependencies between modules, and dvc.yaml, against the code."""

import re
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any

import networkx
import pytest

from autoencoders import dependencies, paths, pipeline, yaml12
from autoencoders.dependencies import PACKAGE, Code
from autoencoders.variants.objectives import OBJECTIVES

ROOT = Path(__file__).parents[1]
STAGES: dict[str, Any] = yaml12.read(ROOT / "dvc.yaml")["stages"]

# A layer may import itself and the layers before it.
LAYERS = (
    *("errors", "param_types"),
    *(
        "limits",
        "threads",
        "files",
        "paths",
        "checkout",
        "device",
        "randomness",
        "components",
        "decomposition",
    ),
    *("yaml12", "pipeline"),
    "ready",
    "images",
    "datasets",
    "variants",
    "training",
    "trained",
    "samplers",
    "evaluation",
    "figures",
    "report",
    "params",
    "tracking",
    *("find_weights", "dependencies"),
    *("progress", "running"),
    "application",
    "stages",
    "studies",
    "site",
    "serving",
    "commands",
    *("cli", "__main__"),
)


def folder(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    """Return the imports of each module within the package, by dotted names."""
    code = Code()
    return {module: {source for _, source in code.imports(module)} for module in code.paths}


def test_no_module_imports_a_later_layer(graph: dict[str, set[str]]) -> None:
    upwards = [
        f"{module} imports {name}"
        for module in graph.keys() - {""}
        for name in graph[module]
        if LAYERS.index(folder(name)) > LAYERS.index(folder(module))
    ]
    assert upwards == []


def test_every_folder_and_module_has_a_layer(graph: dict[str, set[str]]) -> None:
    assert {folder(name) for name in graph} - {""} == set(LAYERS)


def test_there_are_no_circular_imports(graph: dict[str, set[str]]) -> None:
    edges = [(module, name) for module, names in graph.items() for name in names]
    digraph: networkx.DiGraph[str] = networkx.DiGraph(edges)
    components = networkx.strongly_connected_components(digraph)
    assert [modules for modules in components if len(modules) > 1] == []


@pytest.mark.parametrize("stage", [stage for stage in pipeline.STAGES if stage.tracked])
def test_a_stage_depends_on_its_list_of_code(stage: pipeline.Stage) -> None:
    deps = STAGES[stage.name]["deps"]
    variant = "${item.variant}" if "variant" in stage.matrix else ""
    assert paths.sources(stage.name, variant).as_posix() in deps
    code = [Path(dep).relative_to("src/autoencoders") for dep in deps if dep.startswith("src/")]
    assert all(any((PACKAGE / folder).glob("*.html")) for folder in code)


def test_constants_of_dependencies_match_the_code() -> None:
    code = Code()
    assert {*code.paths, *map(folder, code.paths)} >= dependencies.IGNORED_MODULES
    registries = {"models", "objectives", "optimizers", "priors", "samplers"}
    assert {module.split(".")[-1] for module in code.paths if code.table(module)} == registries
    arguments = {kind: signature(build).parameters for kind, build in OBJECTIVES.items()}
    assert {
        kind for kind in arguments if "perceive" in arguments[kind]
    } == dependencies.PERCEPTUAL_OBJECTIVES


def test_dvc_yaml_has_the_stages_of_the_table() -> None:
    assert list(STAGES) == [stage.name for stage in pipeline.STAGES]
    for stage in pipeline.STAGES:
        described = STAGES[stage.name]
        assert tuple(described.get("matrix", ())) == stage.matrix
        arguments = [f"${{item.{axis}}}" for axis in stage.matrix]
        assert described["cmd"] == " ".join(["autoencoders", stage.name, *arguments])
        assert (PACKAGE / "stages" / f"{stage.name}.py").exists() == stage.tracked
        written = [described.get(key, []) for key in ("outs", "metrics", "plots")]
        outputs = {next(iter(o)) if isinstance(o, dict) else o for o in chain(*written)}
        assert outputs == {str(path).replace("{", "${item.") for path in stage.outputs}


@pytest.mark.parametrize(
    ("library", "folders"),
    [("mlflow", {"tracking"}), ("dvc", {"running"}), ("torchvision", {"datasets"})],
)
def test_a_library_is_imported_in_one_folder_only(library: str, folders: set[str]) -> None:
    importers = {
        source.relative_to(PACKAGE).parts[0]
        for source in PACKAGE.rglob("*.py")
        if re.search(rf"^ *(import|from) {library}\b", source.read_text("utf-8"), re.MULTILINE)
    }
    assert importers == folders
