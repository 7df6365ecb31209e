"""The benchmark around the project's own training loop."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks import __main__, epochs, quality, roofline
from tests.saved import ROOT, lay_out


@pytest.fixture(autouse=True)
def _noise_for_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in for the prepared images, beside params."""

    def prepared(split: str, count: int) -> Tensor:
        random = torch.Generator().manual_seed(len(split))
        return torch.randint(256, (count, 1, 28, 28), generator=random, dtype=torch.uint8)

    lay_out(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    monkeypatch.setattr("benchmarks.trainer.prepared", prepared)


@pytest.mark.parametrize("variant", ["denoise", "aae"])
def test_an_epoch_of_the_trainer_is_seen_in_all_its_phases(variant: str) -> None:
    found = epochs.our_epochs(variant, 256, epochs=3)
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert all(share > 0 for share in found["shares"].values())
    assert found["images_per_second"] == pytest.approx(256 / found["seconds"])


def test_an_epoch_of_the_reference_is_seen_in_all_its_phases() -> None:
    found = epochs.reference_epoch("denoise", 256)
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert all(share > 0 for share in found["shares"].values())


@pytest.mark.parametrize(("variant", "low", "high"), [("conv", 0.6, 1), ("vae", 50, 200)])
def test_a_short_training_is_tested_by_what_its_reference_is(
    variant: str, low: float, high: float
) -> None:
    # Pixels of pure noise cost ln 2 nats each, or 784 squared errors of a twelfth.
    found = quality.time_to_quality(variant, 128)
    assert low < found["loss"] < high
    assert found["training"] > 0


def test_the_operations_of_an_update_are_those_of_the_layers() -> None:
    # Two for each weight: forwards, for its gradient, and for its input's, which images need not.
    first, others = 784 * 512, 2 * 512 * 2 + 2 * 512 + 512 * 784
    assert roofline.work_per_image("vae")["flops"] == 2 * (2 * first + 3 * others)


def test_without_prepared_images_one_line_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert __main__.main([]) == 1
    folder = Path("data/prepared/mnist")
    said = f"error: {folder} is missing: run `dvc repro prepare@mnist` first\n"
    assert capsys.readouterr().err == said
