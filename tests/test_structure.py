"""What depends on what, held against the code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]

# What passes values on and decides no byte: params and files are dependencies themselves.
GLUE = {"", "cli", "data", "device", "errors", "evaluation", "files", "params", "paths", "progress"}
GLUE |= {"stages", "tracking"}
# params imports everything that it can build, to read the signatures.
OF_PARAMS = {"inputs", "models", "objectives", "randomness", "training"}
# Packed splits are read through the modules that wrote them.
OF_SPLITS = {"data.cifar", "data.datasets", "data.fetched", "data.idx", "data.stratification"}
# What a stage imports beside these, and why it decides none of its bytes.
EXCUSED = {
    "fetch": OF_PARAMS,
    "prepare": OF_PARAMS | {"data.datasets"},
    "classify": OF_SPLITS | OF_PARAMS,
    "pixels": OF_SPLITS | OF_PARAMS,
    "train": OF_SPLITS,
    "evaluate": OF_SPLITS | {"training"},
    "figures": OF_SPLITS | {"training"},
    # The report imports names from the modules of two stages whose outputs it depends on.
    "report": OF_SPLITS
    | OF_PARAMS
    | {
        *("classifier", "data.official", "data.sources", "decomposition", "evaluation"),
        *("latent_experiments", "stages.evaluate", "stages.figures"),
    },
}
CORE = ("params", "data", "inputs", "models", "objectives", "training", "evaluation")


def imported_by(module: str) -> set[str]:
    script = f"import sys, json, {module}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_every_module_that_decides_its_bytes(stage: str) -> None:
    dependencies = [Path(d) for d in STAGES[stage]["deps"] if d.startswith("src/")]
    assert all((ROOT / dependency).exists() for dependency in dependencies)
    modules = {
        name.removeprefix("autoencoders").removeprefix(".")
        for name in imported_by(f"autoencoders.stages.{stage}")
        if name.startswith("autoencoders")
    }
    unlisted = {
        name
        for name in modules - GLUE
        if not within(name, EXCUSED[stage] | {"tracking"})
        and not any(covers(dependency, name) for dependency in dependencies)
    }
    assert unlisted == set()


def within(name: str, parents: set[str]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def covers(dependency: Path, name: str) -> bool:
    source = Path("src/autoencoders", *name.split("."))
    return dependency in (source, source.with_suffix(".py"), *source.parents)


@pytest.mark.parametrize("module", CORE)
def test_the_core_runs_anywhere_torch_does(module: str) -> None:
    assert not {"mlflow", "dvc"} & imported_by(f"autoencoders.{module}")


def test_models_know_nothing_of_params_files_or_tracking() -> None:
    imported = imported_by("autoencoders.models")
    for name in ("params", "files", "paths", "tracking"):
        assert f"autoencoders.{name}" not in imported


def test_tracking_alone_imports_mlflow() -> None:
    importers = {
        source.relative_to(ROOT / "src/autoencoders").parts[0]
        for source in (ROOT / "src").rglob("*.py")
        if "import mlflow" in source.read_text("utf-8")
        or "from mlflow" in source.read_text("utf-8")
    }
    assert importers == {"tracking"}
