"""The function `train`, called from any folder and without params.yaml."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autoencoders.datasets.binarization import is_binary
from autoencoders.training.history import Row
from autoencoders.training.loop import TorchLearner
from autoencoders.training.settings import Variant
from autoencoders.training.train import TrainingResult, train
from autoencoders.variants.assembly import assemble
from tests.training.helpers import SHAPE, Blobs, ProgressLog, identical, run, settings, weights

DENOISER = Variant.model_validate(
    {
        "input": {"kind": "noisy", "mean": 0.5, "std": 0.3},
        "model": {"kind": "mlp_ae", "hidden": [16], "latent_size": 3},
        "objective": {"kind": "reconstruction", "loss": "bce"},
        "training": settings(3, initialization="kaiming").model_dump(),
    }
)


def trained(blobs: Blobs, **arguments: Any) -> TrainingResult:
    return train(blobs(24), blobs(8, SHAPE, 1), DENOISER, 1, name="blobs", **arguments)


def test_train_returns_the_variant_and_its_history(blobs: Blobs) -> None:
    log = ProgressLog()
    done = trained(blobs, progress=log)
    assembled = assemble(DENOISER, SHAPE, 1, "blobs", "kaiming")
    images = blobs(24), blobs(8, SHAPE, 1)
    assert done.history == log.rows == run(assembled, *images, DENOISER.training, seed=1)
    assert identical(weights(done.variant), weights(assembled))
    assert done.checkpoint is None
    assert done.variant.model(torch.rand(2, *SHAPE)).shape == (2, *SHAPE)


def test_only_the_checkpoint_is_written(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    done = trained(blobs, folder=tmp_path / "unfinished")
    assert list(Path().iterdir()) == []
    assert list((tmp_path / "unfinished").iterdir()) == [done.checkpoint]


@pytest.mark.parametrize("digests", [["data", "code"], ["data", "other code"]])
def test_training_resumes_only_with_the_same_data_and_code(
    blobs: Blobs, tmp_path: Path, digests: list[str]
) -> None:
    expected, log = trained(blobs), ProgressLog()
    stopped = ProgressLog(stop_at_epoch=2)
    with pytest.raises(KeyboardInterrupt):
        trained(blobs, folder=tmp_path, digests=["data", "code"], progress=stopped)
    done = trained(blobs, folder=tmp_path, digests=digests, progress=log)
    assert len(log.rows) == (1 if digests == ["data", "code"] else 3)
    assert done.history == expected.history
    assert identical(weights(done.variant), weights(expected.variant))


def test_unsuitable_parts_are_refused(blobs: Blobs) -> None:
    halved = {"kind": "downsampled", "factor": 3, "reduction": "average"}
    content = DENOISER.model_dump() | {"input": halved}
    with pytest.raises(ValueError, match="found 3 for images of 8×8"):
        train(blobs(4), blobs(2), Variant.model_validate(content), 0)


def test_each_epoch_of_a_redrawn_training_has_other_binary_images(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    train_epoch = TorchLearner.train_epoch

    def record(self: TorchLearner, images: Tensor, *arguments: Any) -> Row:
        seen.append(images)
        return train_epoch(self, images, *arguments)

    monkeypatch.setattr(TorchLearner, "train_epoch", record)
    expected = trained(blobs, redrawn=True)
    assert len(seen) == 3
    assert all(is_binary(images) for images in seen)
    assert not torch.equal(seen[0], seen[1])
    with pytest.raises(KeyboardInterrupt):
        trained(blobs, folder=tmp_path, redrawn=True, progress=ProgressLog(stop_at_epoch=2))
    resumed = trained(blobs, folder=tmp_path, redrawn=True)
    assert identical(weights(resumed.variant), weights(expected.variant))
