"""The benchmark of fine-tuning: its noise, and its kept-apart photographs."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from autoencoders.randomness import Noise
from benchmarks import finetuning
from benchmarks.finetuning import PEAK, VALIDATION, Photons


@pytest.mark.parametrize("brightness", [0.1, 0.8])
def test_the_variance_of_photon_noise_grows_with_the_brightness(
    noise: Noise, brightness: float
) -> None:
    noisy = Photons()(torch.full((1, 1, 300, 300), brightness), noise)
    assert noisy.mean().item() == pytest.approx(brightness, rel=0.02)
    assert noisy.var().item() == pytest.approx(brightness / PEAK, rel=0.03)


def test_no_photograph_is_for_both_training_and_validation() -> None:
    photographs = [torch.full((1, 60, 70), n, dtype=torch.uint8) for n in range(VALIDATION + 3)]
    images, validation = finetuning._patches(photographs, seed=1)
    assert images.unique().tolist() == [0, 1, 2]
    assert len(validation.unique()) == VALIDATION
    assert images.shape[1:] == validation.shape[1:] == (1, 48, 48)


def test_too_few_photographs_are_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (60, 60)).save(tmp_path / "a.png")
    assert finetuning.main([str(tmp_path), str(tmp_path), "--weights", "mnist_vae"]) == 1
    error = f"error: photographs: found 1 in {tmp_path}; allowed: {VALIDATION + 1} or more\n"
    assert capsys.readouterr().err == error
