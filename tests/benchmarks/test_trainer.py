"""The benchmark of the project's training loop."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks import __main__, epochs, quality, roofline
from tests.saved import ROOT, lay_out


@pytest.fixture(autouse=True)
def _noise_for_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Write params, and replace the prepared images by noise."""

    def prepared(split: str, count: int) -> Tensor:
        random = torch.Generator().manual_seed(len(split))
        return torch.randint(256, (count, 1, 28, 28), generator=random, dtype=torch.uint8)

    lay_out(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    monkeypatch.setattr("benchmarks.trainer.prepared", prepared)


@pytest.mark.parametrize("variant", ["denoise", "aae"])
def test_an_epoch_of_the_trainer_has_all_phases(variant: str) -> None:
    measured = epochs.our_epochs(variant, 256, epochs=3)
    assert sum(measured["shares"].values()) == pytest.approx(1)
    assert all(share > 0 for share in measured["shares"].values())
    assert measured["images_per_second"] == pytest.approx(256 / measured["seconds"])


def test_an_epoch_of_the_reference_has_all_phases() -> None:
    measured = epochs.reference_epoch("denoise", 256)
    assert sum(measured["shares"].values()) == pytest.approx(1)
    assert all(share > 0 for share in measured["shares"].values())


@pytest.mark.parametrize(("variant", "low", "high"), [("conv", 0.6, 1), ("vae", 50, 200)])
def test_a_short_training_has_the_test_loss_of_its_reference(
    variant: str, low: float, high: float
) -> None:
    # For noise: a BCE of ln 2 nats per pixel, or 784 squared errors of 1/12.
    measured = quality.time_to_quality(variant, 128)
    assert low < measured["loss"] < high
    assert measured["training"] > 0


def test_the_operations_of_an_update_are_those_of_the_layers() -> None:
    # Two per weight: forward, gradient of the weight, and gradient of its input (not of images).
    first, others = 784 * 512, 2 * 512 * 2 + 2 * 512 + 512 * 784
    assert roofline.work_per_image("vae")["flops"] == 2 * (2 * first + 3 * others)


def test_missing_prepared_images_are_a_one_line_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert __main__.main([]) == 1
    folder = Path("data/prepared/mnist")
    error = f"error: {folder} is missing: run `dvc repro prepare@mnist` first\n"
    assert capsys.readouterr().err == error
