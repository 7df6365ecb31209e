"""A trial without Ray measures what the commands measure."""

import json
from pathlib import Path

import pytest

from autoencoders import paths, yaml12
from autoencoders.evaluation.results import headline
from autoencoders.studies import trial
from autoencoders.studies.trial import ITEM, Task
from autoencoders.trained.variant import load_history
from tests.studies.conftest import EPOCHS, Start


@pytest.mark.slow
def test_a_trial_measures_validation_images_as_the_command_does(
    evaluated: Path, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed, _ = start(
        evaluated, "autoencoders", "evaluate", "mnist", "vae", "--split", "validation"
    ).communicate()
    monkeypatch.chdir(evaluated)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    task = Task(yaml12.read(paths.PARAMS), {ITEM: "mnist/vae"}, split="validation")
    shared, lengths = trial.share("mnist", with_judge=True), list[int]()
    metrics = trial.run(task, shared, {}, tmp_path, lambda rows: lengths.append(len(rows)))
    assert lengths == [*range(1, EPOCHS + 1)]
    assert metrics["frechet_prior"] > 0
    assert metrics == headline(json.loads(printed))


@pytest.mark.slow
def test_a_trial_starts_from_the_weights_of_its_values(
    evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(evaluated)
    folder = paths.model("mnist", "vae")
    weights = {"start.safetensors": (folder / paths.WEIGHTS).read_bytes()}
    constants = {ITEM: "mnist/vae"}
    task = Task(yaml12.read(paths.PARAMS), constants, split=None, initial_weights=weights)
    values = {
        "training.epochs": 1,
        "training.optimizers.model.lr": 1e-12,
        "training.initial_weights": "start.safetensors",
    }
    row = trial.run(task, trial.share("mnist", False), values, tmp_path, lambda rows: None)
    lowest = load_history(folder)["validation_loss"].min()
    assert row["validation_loss"] == pytest.approx(lowest, rel=1e-3)
