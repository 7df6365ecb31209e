import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autoencoders import params, paths
from autoencoders.commands import reconstruct
from autoencoders.errors import UserError
from autoencoders.keys import ImageShape
from autoencoders.trained import variant
from autoencoders.variants.assembly import Assembled

ROOT = Path(__file__).parents[2]


@pytest.fixture
def upscaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembled:
    monkeypatch.chdir(tmp_path)
    return saved("mnist", (1, 28, 28))


def saved(dataset: str, image_shape: ImageShape) -> Assembled:
    """Save an untrained `superres` of a dataset as if it were trained."""
    description = variant.Description(
        dataset=dataset,
        name="superres",
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=image_shape,
        variant=params.load(ROOT / "params.yaml").variants["superres"],
    )
    assembled = variant.build(description)
    history = [{"epoch": 1.0, "validation_loss": 1.0}]
    variant.save(paths.model(dataset, "superres"), description, assembled, history)
    return assembled


def reconstructed(dataset: str, image: str) -> list[Path]:
    """Run the command on one image file; return what it says that it wrote."""
    options = argparse.Namespace(
        dataset=dataset, variant="superres", images=[Path(image)], to=Path("out")
    )
    return [Path(line) for line in reconstruct.run(options)]


@torch.no_grad()
def test_an_image_file_goes_through_the_network(upscaler: Assembled) -> None:
    small = np.random.default_rng(0).integers(0, 256, (14, 14), dtype=np.uint8)
    Image.fromarray(small).save("small.png")
    written = reconstructed("mnist", "small.png")
    assert written == [Path("out/small-superres.png")]
    expected = upscaler.model(torch.from_numpy(small / 255).float().reshape(1, 1, 14, 14))
    with Image.open(written[0]) as image:
        difference = np.asarray(image) / 255 - expected.numpy()[0, 0]
    assert np.abs(difference).max() <= 0.51 / 255


@torch.no_grad()
def test_a_colour_image_comes_out_in_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assembled = saved("cifar10", (3, 32, 32))
    small = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(small).save("small.png")
    (written,) = reconstructed("cifar10", "small.png")
    expected = assembled.model(torch.from_numpy(small / 255).float().permute(2, 0, 1)[None])[0]
    with Image.open(written) as image:
        difference = np.asarray(image) / 255 - expected.permute(1, 2, 0).numpy()
    assert difference.shape == (32, 32, 3)
    assert np.abs(difference).max() <= 0.51 / 255


def test_wrong_files_are_told_apart(upscaler: Assembled) -> None:
    Image.new("L", (28, 28)).save("large.png")
    Path("text.png").write_text("no image", "utf-8")
    for name, said in (
        ("large.png", "28×28 pixels; this variant takes 14×14"),
        ("text.png", "cannot be read as an image"),
    ):
        with pytest.raises(UserError, match=said):
            reconstructed("mnist", name)
    assert not Path("out").exists()
