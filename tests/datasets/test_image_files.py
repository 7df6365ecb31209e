"""Patches from images of any size: number, position, resolution and reproducibility."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoencoders.datasets import folders, prepare, prepared, raw_files
from autoencoders.datasets.image_files import ImageExtractor
from autoencoders.errors import UserError

SIZE, PER_IMAGE = 8, 5


def fetch(source: Path, target: Path, seed: int = 0, **changes: Any) -> raw_files.Arrays:
    extractor = ImageExtractor(SIZE, 1, **{"per_image": PER_IMAGE} | changes)
    settings: dict[str, Any] = {"title": "Photos", "test_fraction": 0.3, "seed": seed}
    info = folders.fetch("photos", source, target, extractor=extractor, **settings)
    return raw_files.read_arrays(target, info)


def draw(path: Path, number: int, width: int, height: int) -> np.ndarray:
    """Write a picture whose pixel values identify the picture and a patch's position in it."""
    rows, columns = np.mgrid[:height, :width]
    pixels = (20 * number + 3 * (rows % 4) + columns % 3).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def owners(images: np.ndarray) -> list[int]:
    return [int(image.min()) // 20 for image in images]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten pictures of ten sizes."""
    for number in range(10):
        draw(tmp_path / "photos" / f"{number}.png", number, width=17 + number, height=40 - number)
    return tmp_path / "photos"


def test_a_training_image_gives_random_patches_and_a_test_image_a_grid(
    tmp_path: Path, photos: Path
) -> None:
    arrays = fetch(photos, tmp_path / "raw")
    assert arrays.train_images.shape == (7 * PER_IMAGE, 1, SIZE, SIZE)
    trained, tested = owners(arrays.train_images), owners(arrays.test_images)
    assert {trained.count(owner) for owner in trained} == {PER_IMAGE}
    grids = {n: ((40 - n) // SIZE) * ((17 + n) // SIZE) for n in set(tested)}
    assert {n: tested.count(n) for n in set(tested)} == grids
    assert not set(trained) & set(tested)  # no test patch comes from a training image
    assert len(set(trained)) == 7
    assert tested != sorted(tested)  # neighbouring patches do not follow each other


def test_a_patch_is_an_unchanged_part_of_its_image(tmp_path: Path, photos: Path) -> None:
    for patch in fetch(photos, tmp_path / "raw").train_images[:, 0]:
        image = np.asarray(Image.open(photos / f"{int(patch.min()) // 20}.png"))
        places = np.lib.stride_tricks.sliding_window_view(image, patch.shape)
        assert (places == patch).all((2, 3)).any()


def test_turned_patches_have_all_eight_orientations(tmp_path: Path) -> None:
    for number in range(10):
        draw(tmp_path / "photos" / f"{number}.png", number, SIZE, SIZE)
    arrays = fetch(tmp_path / "photos", tmp_path / "raw", per_image=40, turned=True)
    owner = owners(arrays.train_images)[0]
    patches = arrays.train_images[arrays.train_images.min((1, 2, 3)) == owner * 20]
    first = patches[0, 0]
    turned = [np.rot90(image, k) for image in (first, first.T) for k in range(4)]
    found = [
        {k for k, image in enumerate(turned) if (patch[0] == image).all()} for patch in patches
    ]
    assert all(found)
    assert len(set.union(*found)) == 8


def test_validation_patches_come_from_other_images(tmp_path: Path, photos: Path) -> None:
    fetch(photos, tmp_path / "raw")
    prepare.prepare(tmp_path / "raw", tmp_path / "prepared", train_fraction=0.7, seed=0)
    parts = {
        name: owners(prepared.load(tmp_path / "prepared", name)[0])
        for name in ("train", "validation", "test")
    }
    assert len(parts["train"]) == 5 * PER_IMAGE
    assert len(parts["validation"]) == 2 * PER_IMAGE
    assert len({*parts["train"]} | {*parts["validation"]} | {*parts["test"]}) == 10
    assert not set(parts["train"]) & set(parts["validation"])


def test_patches_depend_on_the_seed_and_the_names(tmp_path: Path, photos: Path) -> None:
    first, again, other = (
        fetch(photos, tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    for array, repeated in zip(first, again, strict=True):
        np.testing.assert_array_equal(array, repeated)
    assert not np.array_equal(first.train_images, other.train_images)


def test_an_image_smaller_than_a_patch_is_a_misfit(tmp_path: Path, photos: Path) -> None:
    draw(photos / "small.png", 11, width=30, height=SIZE - 1)
    with pytest.raises(
        UserError, match=r"small\.png: 30×7 pixels, smaller than a patch\n"
    ) as caught:
        fetch(photos, tmp_path / "raw")
    assert "1 of 11 files are not images of at least 8×8 pixels; set " in str(caught.value)
    assert "misfits to skip, or change data.datasets.photos.patches.side" in str(caught.value)
    assert not (tmp_path / "raw").exists()
    arrays = fetch(photos, tmp_path / "raw", misfits="skip")
    assert 11 not in owners(arrays.train_images) + owners(arrays.test_images)
