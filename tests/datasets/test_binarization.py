from pathlib import Path

import numpy as np
import torch

from autoencoders.datasets import prepare, published
from autoencoders.datasets.binarization import draw_binary, is_binary
from autoencoders.datasets.prepared import Prepared
from autoencoders.param_types import Binarize


def test_a_pixel_is_white_with_the_probability_of_its_grey_value() -> None:
    levels = torch.tensor([0, 1, 64, 128, 254, 255], dtype=torch.uint8)
    images = levels.expand(40_000, 1, 1, 6)
    binary = draw_binary(images, torch.Generator().manual_seed(1))
    assert binary.dtype == torch.uint8
    assert set(binary.unique().tolist()) == {0, 255}
    shares = (binary == 255).double().mean((0, 1, 2))
    torch.testing.assert_close(shares, levels.double() / 255, atol=0.012, rtol=0)
    assert shares[0] == 0
    assert shares[-1] == 1


def test_black_and_white_images_are_binary_and_stay_the_same() -> None:
    images = 255 * torch.randint(2, (3, 1, 4, 4), dtype=torch.uint8)
    assert is_binary(images)
    assert torch.equal(draw_binary(images, torch.Generator()), images)
    assert not is_binary(images.clamp(max=254))


def prepared(folder: Path, binarize: Binarize | None) -> Prepared:
    raw = folder / "raw"
    published.fetch(
        "binary",
        "stand-in",
        raw,
        of="mnist",
        title="Binary MNIST",
        binarize=binarize,
        train_images=120,
        test_images=30,
        seed=0,
        mirror=None,
    )
    metadata = prepare.prepare(raw, folder / "prepared", train_fraction=0.9, seed=0)
    assert (metadata.dataset, metadata.title) == ("binary", "Binary MNIST")
    return Prepared(folder / "prepared")


def test_static_images_are_drawn_once_from_those_of_the_published_dataset(tmp_path: Path) -> None:
    grey, static = prepared(tmp_path / "grey", None), prepared(tmp_path / "static", "static")
    again = prepared(tmp_path / "again", "static")
    assert [*static.metadata.splits] == ["train", "validation", "test"]
    assert not static.redrawn
    for split in static.metadata.splits:
        assert not is_binary(grey.images(split))
        assert is_binary(static.images(split))
        assert torch.equal(static.images(split), again.images(split))
        assert torch.equal(static.labels(split), grey.labels(split))
        difference = static.images(split).double() - grey.images(split).double()
        assert abs(difference.mean()) < 2  # of 255


def test_dynamic_images_have_binary_splits_and_the_grey_training_images(tmp_path: Path) -> None:
    grey, dynamic = prepared(tmp_path / "grey", None), prepared(tmp_path / "dynamic", "dynamic")
    assert dynamic.redrawn
    assert torch.equal(dynamic.training_images, grey.images("train"))
    assert all(is_binary(dynamic.images(split)) for split in ("train", "validation", "test"))
    assert np.array_equal(dynamic.labels("grey"), dynamic.labels("train"))


def test_the_validation_images_can_stand_for_the_test_images(tmp_path: Path) -> None:
    test = prepared(tmp_path, None)
    validation = Prepared(test.folder, test="validation")
    assert torch.equal(validation.images("test"), test.images("validation"))
    assert torch.equal(validation.labels("test"), test.labels("validation"))
    assert torch.equal(validation.images("train"), test.images("train"))
