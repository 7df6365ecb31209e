from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from autoencoders import randomness
from autoencoders.commands import sample
from autoencoders.datasets.prepared import Prepared
from autoencoders.param_types import ImageShape
from autoencoders.samplers import SAMPLERS
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.models.base import Autoencoder
from tests.saved import PARAMS, run, saved


@pytest.fixture
def vae(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembled:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes(PARAMS.read_bytes())
    return saved("mnist", (1, 28, 28), "vae")


def sampled(*arguments: str, by: str = "mnist/vae") -> tuple[list[str], list[str]]:
    """Run the command; return the written paths in the folder `out`, and the errors."""
    return run(sample, "sample", by, "--to", "out", *arguments)


def pixels(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(Path("out", name)) as image:
        return np.asarray(image)


@torch.no_grad()
def test_codes_drawn_from_the_prior_are_decoded_into_pngs(vae: Assembled) -> None:
    written, errors = sampled("--count", "3", "--seed", "7")
    assert errors == []
    assert written == [f"vae-prior-7-0000{i}.png" for i in range(3)]
    noise = randomness.noise(7, "sample")
    expected = vae.model.decode(noise.normal((3, 2))).sigmoid() * 255
    for name, image in zip(written, expected, strict=True):
        assert np.abs(pixels(name) - image[0].numpy()).max() <= 0.51


@pytest.fixture
def training_images(monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor]) -> Tensor:
    """Replace the prepared training images."""
    images = blobs(40, (1, 28, 28))
    monkeypatch.setattr(Prepared, "images", lambda prepared, split: images)
    return images


@torch.no_grad()
@pytest.mark.parametrize("name", [n for n, kind in SAMPLERS.items() if kind.needs_codes])
def test_fitted_samplers_match_the_mean_and_deviation_of_training_codes(
    vae: Assembled, training_images: Tensor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    decode = type(vae.model).decode

    def watched(model: Autoencoder, latent: Tensor) -> Tensor:
        decoded.append(latent)
        return decode(model, latent)

    monkeypatch.setattr(type(vae.model), "decode", watched)
    written, errors = sampled("--sampler", name, "--count", "100")
    assert errors == []
    assert len(written) == 100
    codes, drawn = vae.model.encode(training_images / 255), torch.cat(decoded)
    assert (drawn.mean(0) - codes.mean(0)).abs().max() < 0.4 * codes.std()
    assert (drawn.std(0) / codes.std(0) - 1).abs().max() < 0.3


@pytest.mark.usefixtures("vae")
def test_a_seed_determines_the_images_and_only_earlier_samples_are_replaced() -> None:
    sampled("--count", "2")
    first = [pixels(f"vae-prior-0-0000{i}.png") for i in range(2)]
    Path("out/vae-prior-1-00000.png").write_text("mine", "utf-8")
    assert sampled("--count", "1") == (["vae-prior-0-00000.png"], [])
    np.testing.assert_array_equal(pixels("vae-prior-0-00000.png"), first[0])
    assert sampled("--count", "1", "--seed", "1") == (["vae-prior-1-00000-2.png"], [])
    assert np.abs(pixels("vae-prior-1-00000-2.png").astype(int) - first[0]).max() > 0
    assert Path("out/vae-prior-1-00000.png").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("variant", "shape", "arguments", "message"),
    [
        (
            "conv",
            (1, 28, 28),
            [],
            "--sampler: found 'prior', but the objective of mnist/conv has no prior; "
            "allowed: gaussian, mixture",
        ),
        (
            "conv",
            (1, 28, 28),
            ["--sampler", "mixtur"],
            "--sampler: found 'mixtur'; did you mean 'mixture'?; allowed: prior, gaussian, mixture",
        ),
        (
            "conv",
            (1, 28, 28),
            ["--sampler", "gaussian"],
            "data/prepared/mnist/metadata.json is missing: run `dvc repro prepare@mnist`",
        ),
        (
            "superres_2x",
            (3, 32, 32),
            ["--sampler", "gaussian"],
            "mnist/superres_2x cannot draw new images, because its latents contain the encoder "
            "input: choose another variant",
        ),
    ],
)
@pytest.mark.usefixtures("vae")
def test_an_unsuitable_sampler_is_an_error(
    variant: str, shape: ImageShape, arguments: list[str], message: str
) -> None:
    saved("mnist", shape, variant)
    assert sampled(*arguments, by=f"mnist/{variant}") == ([], [message])
    assert not Path("out").exists()


@pytest.mark.parametrize("arguments", [["--count", "0"], ["--count", "a"], ["--seed", "-1"]])
def test_a_count_or_seed_that_is_no_whole_number_is_an_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        sampled(*arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert f"argument {arguments[0]}: found {arguments[1]!r}; allowed: " in line


def test_a_folder_that_cannot_be_written_is_an_error_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no variant is trained
    Path("out").write_text("a file", "utf-8")
    written, (error,) = sampled()
    assert written == []
    assert "which cannot be written (Not a directory" in error


@pytest.mark.usefixtures("vae")
@pytest.mark.parametrize("to", ["new.png", "new.jxl"])
def test_the_name_of_a_file_is_refused(to: str) -> None:
    allowed = "a folder (one that exists, or a name without an extension)"
    assert sampled("--to", to) == ([], [f"--to: found {to}; allowed: {allowed}"])
    assert not Path(to).exists()
