"""A trial without Ray measures what the commands measure."""

import json
from pathlib import Path

import pytest

from autoencoders import paths, yaml12
from autoencoders.evaluation.results import headline
from autoencoders.studies import trial
from autoencoders.studies.trial import ITEM, Task
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
