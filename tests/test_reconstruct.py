from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autoencoders import params, paths, reconstruct, trained
from autoencoders.errors import UserError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def upscaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trained.Networks:
    description = trained.Description(
        dataset="mnist",
        name="superres",
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=(1, 28, 28),
        variant=params.load(ROOT / "params.yaml").variants["superres"],
    )
    networks = trained.build(description)
    monkeypatch.chdir(tmp_path)
    trained.save(
        paths.model("mnist", "superres"),
        description,
        networks,
        [{"epoch": 1, "validation_loss": 1.0}],
    )
    return networks


@torch.no_grad()
def test_an_image_file_goes_through_the_network(upscaler: trained.Networks) -> None:
    small = np.random.default_rng(0).integers(0, 256, (14, 14), dtype=np.uint8)
    Image.fromarray(small).save("small.png")
    written = list(reconstruct.files("mnist", "superres", [Path("small.png")], Path("out")))
    assert written == [Path("out/small-superres.png")]
    expected = upscaler.model(torch.from_numpy(small / 255).float().reshape(1, 1, 14, 14))
    with Image.open(written[0]) as image:
        difference = np.asarray(image) / 255 - expected.numpy()[0, 0]
    assert np.abs(difference).max() <= 0.51 / 255


def test_wrong_files_are_told_apart(upscaler: trained.Networks) -> None:
    Image.new("L", (28, 28)).save("large.png")
    Path("text.png").write_text("no image", "utf-8")
    for name, said in (
        ("large.png", "28×28 pixels; this variant takes 14×14"),
        ("text.png", "is not an image"),
    ):
        with pytest.raises(UserError, match=said):
            list(reconstruct.files("mnist", "superres", [Path(name)], Path("out")))
    assert not Path("out").exists()
