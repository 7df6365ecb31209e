"""Patches cut from images of any size: by image, at their own resolution, one seed the same."""

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
    """Write a picture of a gradient that no other has, and that tells where a patch is from."""
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


def test_each_image_to_train_on_gives_as_many_and_each_to_test_on_a_grid(
    tmp_path: Path, photos: Path
) -> None:
    arrays = fetch(photos, tmp_path / "raw")
    assert arrays.train_images.shape == (7 * PER_IMAGE, 1, SIZE, SIZE)
    trained, tested = owners(arrays.train_images), owners(arrays.test_images)
    assert {trained.count(owner) for owner in trained} == {PER_IMAGE}
    grids = {n: ((40 - n) // SIZE) * ((17 + n) // SIZE) for n in set(tested)}
    assert {n: tested.count(n) for n in set(tested)} == grids
    assert not set(trained) & set(tested)  # no test patch comes from an image to train on
    assert len(set(trained)) == 7
    assert tested != sorted(tested)  # neighbours do not lie side by side


def test_a_patch_is_a_part_of_its_image_as_it_is(tmp_path: Path, photos: Path) -> None:
    for patch in fetch(photos, tmp_path / "raw").train_images[:, 0]:
        image = np.asarray(Image.open(photos / f"{int(patch.min()) // 20}.png"))
        places = np.lib.stride_tricks.sliding_window_view(image, patch.shape)
        assert (places == patch).all((2, 3)).any()


def test_turned_patches_lie_in_all_eight_ways(tmp_path: Path) -> None:
    for number in range(10):
        draw(tmp_path / "photos" / f"{number}.png", number, SIZE, SIZE)
    arrays = fetch(tmp_path / "photos", tmp_path / "raw", per_image=40, turned=True)
    patches = arrays.train_images[arrays.train_images.min((1, 2, 3)) == owners_first(arrays) * 20]
    whole = patches[0, 0]
    ways = [np.rot90(w, k) for w in (whole, whole.T) for k in range(4)]
    found = [{k for k, way in enumerate(ways) if (patch[0] == way).all()} for patch in patches]
    assert all(found)
    assert len(set.union(*found)) == 8


def owners_first(arrays: raw_files.Arrays) -> int:
    return owners(arrays.train_images)[0]


def test_validation_has_images_of_its_own_too(tmp_path: Path, photos: Path) -> None:
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


def test_the_seed_and_the_names_decide(tmp_path: Path, photos: Path) -> None:
    first, again, other = (
        fetch(photos, tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(first.train_images, other.train_images)


def test_what_is_smaller_than_a_patch_is_a_misfit(tmp_path: Path, photos: Path) -> None:
    draw(photos / "small.png", 11, width=30, height=SIZE - 1)
    with pytest.raises(UserError, match=r"small\.png: 30×7 pixels, smaller than a patch\n") as told:
        fetch(photos, tmp_path / "raw")
    assert "1 of 11 files are not images of at least 8×8 pixels; set " in str(told.value)
    assert "misfits to skip, or change data.datasets.photos.patches.size" in str(told.value)
    assert not (tmp_path / "raw").exists()
    arrays = fetch(photos, tmp_path / "raw", misfits="skip")
    assert 11 not in owners(arrays.train_images) + owners(arrays.test_images)
