"""The listing of a folder: each file once, even with links; skipped files are counted."""

import os
from pathlib import Path

import pytest

from autoencoders.images.listing import Listing, list_images


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder of two images, and a second folder outside of it."""
    for name in ("pets/cat/0.png", "pets/dog/1.JPG", "outside/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path / "pets"


def images(listing: Listing) -> list[str]:
    return [path.as_posix() for path in listing.images]


PLAIN = ["cat/0.png", "dog/1.JPG"]


@pytest.mark.parametrize(
    ("links", "listed"),
    [
        ({"loop": "."}, PLAIN),
        ({"cat/loop": "..", "dog/loop": ".."}, PLAIN),
        ({"cat/loop": "../dog", "dog/loop": "../cat"}, PLAIN),
        ({"cat/self": "self"}, PLAIN),
        ({"cat/to": "fro", "cat/fro": "to"}, PLAIN),
        ({"a": "cat", "a.png": "cat/0.png"}, PLAIN),  # files come before links
        ({"cat/all": "../..", "cat/root": "/"}, PLAIN),
        ({"cat/lost.png": "nowhere"}, PLAIN),
        ({"bird": "../outside"}, ["bird/2.png", *PLAIN]),
        ({"bird": "../outside", "crow": "../outside"}, ["bird/2.png", *PLAIN]),
        ({"bird": "../outside", "crow.png": "../outside/2.png"}, ["bird/2.png", *PLAIN]),
    ],
)
def test_links_are_followed_to_unlisted_files(
    pets: Path, links: dict[str, str], listed: list[str]
) -> None:
    for name, target in links.items():
        (pets / name).symlink_to(target)
    listing = list_images(pets)
    assert images(listing) == listed
    skipped = [path for places in listing.skipped.values() for path in places]
    assert len(skipped) == len(links) - (len(listed) - len(PLAIN))


def test_a_folder_that_cannot_be_opened_is_skipped(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.listdir

    def listdir(path: Path) -> list[str]:  # root may open all folders
        if path == pets / "cat":
            raise PermissionError
        return listed(path)

    monkeypatch.setattr(os, "listdir", listdir)
    listing = list_images(pets)
    assert images(listing) == ["dog/1.JPG"]
    assert listing.describe_skipped() == "files or folders that cannot be opened: 1 (cat)"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_skipped(pets: Path) -> None:
    os.mkfifo(pets / "pipe.png")
    listing = list_images(pets)
    assert images(listing) == PLAIN
    assert listing.describe_skipped() == "neither files nor folders: 1 (pipe.png)"


def test_skipped_files_are_counted_with_examples(pets: Path) -> None:
    for i in range(7):
        (pets / f"notes.{i}").write_bytes(b"")
        (pets / f"lost{i}").symlink_to("nowhere")
    (pets / "more.1").write_bytes(b"")
    assert list_images(pets).describe_skipped() == (
        "broken links: 7 (lost0, lost1, lost2, …); "
        "files with other extensions: 8 (2 .1, 1 .0, 1 .2, 1 .3, 1 .4, …)"
    )
