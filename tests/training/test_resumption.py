"""Interrupted trainings resume with the same results."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from autoencoders.training.history import Row
from autoencoders.variants.inputs import Noisy
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.objectives.base import Objective
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational
from tests.training.helpers import (
    ADAM,
    MUON,
    ONE_CYCLE,
    RMSPROP,
    THREE_ADAMS,
    Blobs,
    ProgressLog,
    adversarial,
    convolutional,
    identical,
    plain,
    run,
    settings,
    variant,
    variational,
    weights,
)

Case = tuple[Callable[[], Autoencoder], Callable[[], Objective], dict[str, Any], float]
TRAININGS: dict[str, Case] = {
    "adam": (convolutional, lambda: Reconstruction("bce"), {"model": ADAM}, 0.0),
    "rmsprop": (variational, lambda: Variational("gaussian"), {"model": RMSPROP}, 0.0),
    "muon": (convolutional, lambda: Reconstruction("mse"), {"model": MUON}, 0.0),
    "adversarial": (plain, adversarial, THREE_ADAMS, 0.0),
    "adversarial muon": (plain, adversarial, dict.fromkeys(THREE_ADAMS, MUON), 0.0),
    "averaged": (convolutional, lambda: Reconstruction("bce"), {"model": MUON}, 0.9),
    "averaged adversarial": (plain, adversarial, THREE_ADAMS, 0.9),
}


@pytest.mark.parametrize(
    ("model", "objective", "optimizers", "ema_decay"), TRAININGS.values(), ids=TRAININGS
)
@pytest.mark.parametrize(
    "interruption",
    [{"stop_at_epoch": 1}, {"stop_at_epoch": 3}, {"stop_at_step": 8}, {"stop_at_step": 2}],
    ids=["after an epoch", "after three", "within the third", "within the first"],
)
def test_interrupted_training_resumes_with_the_same_results(
    blobs: Blobs,
    tmp_path: Path,
    model: Callable[[], Autoencoder],
    objective: Callable[[], Objective],
    optimizers: dict[str, Any],
    ema_decay: float,
    interruption: dict[str, int],
) -> None:
    training = settings(4, optimizers=optimizers, ema_decay=ema_decay, schedule=ONE_CYCLE)
    checkpoint = tmp_path / "unfinished.pt"

    def attempt(log: ProgressLog, checkpoint: Path | None) -> tuple[list[Row], list[Tensor]]:
        subject = variant(model(), objective(), Noisy(0.5, 0.3))
        data = (blobs(27), blobs(11), training)
        history = run(subject, *data, progress=log, checkpoint=checkpoint)
        return history, weights(subject)

    history, expected = attempt(ProgressLog(), None)
    with pytest.raises(KeyboardInterrupt):
        attempt(ProgressLog(**interruption), checkpoint)
    log = ProgressLog()
    resumed_history, resumed = attempt(log, checkpoint)
    assert identical(resumed, expected)
    assert resumed_history == history
    done_before = interruption.get("stop_at_epoch", (interruption.get("stop_at_step", 0) - 1) // 3)
    assert log.rows == history[done_before:]  # no epoch is repeated
    assert log.steps == 4 * 3  # the progress bar reaches its end


def test_finished_training_is_not_repeated(blobs: Blobs, tmp_path: Path) -> None:
    checkpoint, again = tmp_path / "finished.pt", ProgressLog()
    subjects = [variant(plain(), Reconstruction("bce")) for _ in range(2)]
    histories = [
        run(subject, blobs(24), blobs(8), settings(2), progress=log, checkpoint=checkpoint)
        for subject, log in zip(subjects, (ProgressLog(), again), strict=True)
    ]
    assert histories[0] == histories[1]
    assert again.rows == []
    assert identical(weights(subjects[0]), weights(subjects[1]))
