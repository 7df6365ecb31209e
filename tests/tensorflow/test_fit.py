"""A training under TensorFlow has the same history and results as one under PyTorch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip(
    "autoencoders.training.tensorflow.backend", reason="no extra `tensorflow`", exc_type=ImportError
)

from autoencoders.errors import UserError
from autoencoders.training import loop
from autoencoders.training.history import Row
from autoencoders.training.parallel import SINGLE_PROCESS
from autoencoders.training.settings import Variant
from autoencoders.training.tensorflow import fit
from autoencoders.training.tensorflow.objectives import KERAS_OBJECTIVES
from autoencoders.training.tensorflow.supported import OBJECTIVES
from autoencoders.variants import objectives
from autoencoders.variants.assembly import Assembled
from tests.tensorflow.twins import ADAM, FIVE, assembled, variant
from tests.training.helpers import CPU, Blobs, ProgressLog, identical
from tests.training.helpers import weights as weights_of

SHAPE = (1, 8, 8)


def run(
    chosen: Variant,
    train: Tensor,
    validation: Tensor,
    log: ProgressLog | None = None,
    checkpoint: Path | None = None,
) -> tuple[Assembled, list[Row]]:
    subject = assembled(chosen, SHAPE)
    learner = fit.KerasLearner(subject, chosen.training, 0, "blobs", CPU, SINGLE_PROCESS)
    history = loop.fit(learner, train, validation, log or ProgressLog(), checkpoint)
    return subject, history


def test_supported_objectives_are_the_implemented_ones() -> None:
    assert {objectives.OBJECTIVES[kind] for kind in OBJECTIVES} == set(KERAS_OBJECTIVES)


@pytest.mark.parametrize("name", FIVE)
def test_history_matches_a_training_under_pytorch(name: str, blobs: Blobs) -> None:
    chosen, log = variant(name, schedule={"kind": "one_cycle", "warmup": 0.2}), ProgressLog()
    _, history = run(chosen, blobs(256), blobs(50, SHAPE, 1), log)
    learner = loop.TorchLearner(
        assembled(chosen, SHAPE), chosen.training, 0, "blobs", CPU, SINGLE_PROCESS
    )
    expected = loop.fit(learner, blobs(256), blobs(50, SHAPE, 1), ProgressLog())
    assert log.rows == history
    assert log.steps == 3 * 16
    assert list(history[0]) == list(expected[0])
    # The order of images is the same; only the noise differs.
    relative, absolute = (1e-3, 1e-4) if name in ("conv", "superres") else (0.2, 0.02)
    for ours, theirs in zip(history, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=relative, abs=absolute)
        assert ours["learning_rate"] == pytest.approx(theirs["learning_rate"], rel=1e-5)


@pytest.mark.parametrize("name", ["denoise", "vae", "aae"])
def test_interrupted_training_resumes_with_the_same_bits(
    name: str, blobs: Blobs, tmp_path: Path
) -> None:
    chosen, images = variant(name, epochs=4), (blobs(64), blobs(20, SHAPE, 1))
    uninterrupted, expected = run(chosen, *images)
    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        run(chosen, *images, ProgressLog(stop_at_epoch=2), checkpoint=checkpoint)
    resumed, history = run(chosen, *images, checkpoint=checkpoint)
    assert history == expected
    assert identical(weights_of(resumed), weights_of(uninterrupted))


def test_the_same_training_twice_gives_the_same_bits(blobs: Blobs) -> None:
    (first, history), (second, again) = (
        run(variant("denoise"), blobs(64), blobs(20)) for _ in range(2)
    )
    assert history == again
    assert identical(weights_of(first), weights_of(second))


def test_early_stopping_restores_the_best_weights(blobs: Blobs) -> None:
    images = blobs(64)
    patient = variant("conv", epochs=10, early_stopping_patience=3)
    stopped, history = run(patient, images, 255 - images)
    losses = [row["validation_loss"] for row in history]
    assert losses[0] == min(losses)
    assert len(history) == 4
    one_epoch = variant("conv", epochs=1)
    first, _ = run(one_epoch, images, 255 - images)
    assert identical(weights_of(first), weights_of(stopped))


def test_diverging_training_stops_at_the_step_with_one_line(blobs: Blobs) -> None:
    exploding, log = ADAM | {"lr": 1e12}, ProgressLog()
    with pytest.raises(UserError, match=r"at step 2 \(epoch 1\); there is no checkpoint"):
        run(variant("vae", exploding), blobs(64), blobs(20), log)
    assert log.steps == 1


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_every_precision_trains_and_returns_float32_weights(precision: str, blobs: Blobs) -> None:
    subject, history = run(variant("conv", precision=precision), blobs(64), blobs(20))
    assert history[-1]["validation_loss"] < history[0]["validation_loss"]
    assert {weight.dtype for weight in weights_of(subject)} == {torch.float32}


def test_only_the_images_of_a_batch_are_read(tmp_path: Path, blobs: Blobs) -> None:
    np.save(tmp_path / "images.npy", blobs(64).numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="c"))
    ((_, first), *_) = fit.batches(lambda: enumerate(torch.arange(64).split(16)), mapped)
    assert first.shape == (16, 8, 8, 1)
    np.testing.assert_allclose(first[..., 0], mapped[:16, 0].numpy() / 255, rtol=1e-6)
