"""`autoencoders sweep`: runs a sweep once, and prints the command for its best trial."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest

from autoencoders import cli, params, paths, studies
from autoencoders.commands import sweep as command
from autoencoders.studies import sweep, sweep_page, trial
from autoencoders.studies.study import Listener, Machines, Outcome, Study
from tests.saved import run
from tests.studies.examples import lay_out_sweep, outcomes

LR = "training.optimizers.model.lr"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Change to a repository with a sweep; trials take no time, and MLflow is off."""

    @contextmanager
    def run_trials(
        study: Study, task: trial.Task, images: Any, machines: Machines, listener: Listener
    ) -> Iterator[list[Outcome]]:
        results = outcomes(study, lambda values: 30 + values[LR])
        results[1] = Outcome(results[1].values, error="the loss explodes")
        for number, result in enumerate(results):
            listener.end(f"{number:05}", result)
        assert task.item({}) == ("mnist", "vae")
        yield results

    module: Any = ModuleType("autoencoders.studies.engine")
    module.run = Mock(side_effect=run_trials)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(studies, "engine", module, raising=False)
    monkeypatch.setattr(studies, "find_spec", lambda name: name)
    monkeypatch.setattr(trial, "share", lambda dataset, with_judge: None)
    monkeypatch.setattr(sweep, "study_run", lambda *arguments, **options: nullcontext(Mock()))
    monkeypatch.setattr(sweep_page, "write", lambda *arguments, **texts: None)
    monkeypatch.chdir(tmp_path)
    lay_out_sweep(tmp_path)
    return module.run


def test_a_sweep_runs_once(engine: Mock, capsys: pytest.CaptureFixture[str]) -> None:
    [summary, reproduce], errors = run(command, "sweep", "sweeps/lr.yaml", "--jobs", "3")
    assert errors == []
    assert summary.startswith("12 trials, 1 failed; best validation_loss: 30.000")
    assert summary.endswith("; reports/sweeps/lr/index.html")
    assert reproduce.startswith("dvc exp run -S variants.vae.training.optimizers.model.lr=0.0")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 12
    assert printed[1].startswith("trial 1: the loss explodes; lr 0.0")
    assert printed[2].startswith("trial 2: validation_loss 30.0")
    assert engine.call_args.args[3] == Machines(None, 3, 0.0, None)
    again = run(command, "sweep", "sweeps/lr.yaml")
    nothing = "sweeps/lr.yaml: finished already, so no trial runs"
    assert again == ([nothing, summary, reproduce], [])
    assert engine.call_count == 1


def test_the_best_values_are_written_on_demand(engine: Mock) -> None:
    before = paths.PARAMS.read_text("utf-8")
    run(command, "sweep", "sweeps/lr.yaml")
    assert paths.PARAMS.read_text("utf-8") == before
    lines, _ = run(command, "sweep", "sweeps/lr.yaml", "--write")
    assert lines[2] == "wrote the best values into params.yaml"
    written = params.load().variants["vae"].training.optimizers["model"].model_dump()["lr"]
    assert f"variants.vae.{LR}={written!r} " in lines[3]


def test_without_ray_the_command_names_make_scale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(studies, "find_spec", lambda name: None)
    _, [error] = run(command, "sweep", "sweeps/lr.yaml")
    assert "make scale" in error
    with pytest.raises(SystemExit, match="0"):
        cli.main(["sweep", "--help"])
    assert "sweeps/vae-lr.yaml" in capsys.readouterr().out
