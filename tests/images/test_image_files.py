"""Which images files, folders and patterns mean."""

import os
from pathlib import Path

import pytest
from PIL import Image

from autoencoders.images.listing import find_image_files


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draw(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(name)


def gathered(*names: str, to: str = "out") -> tuple[list[str], list[str]]:
    """Return the paths below what was given, and the complaints without the folder."""
    here = Path.cwd()
    images, complaints = find_image_files([here / name for name in names], here / to)
    below = [image.relative_path.as_posix() for image in images]
    return below, [complaint.replace(f"{here}{os.sep}", "") for complaint in complaints]


def test_a_folder_is_walked_and_what_is_no_image_by_its_name_is_skipped() -> None:
    draw("pics/b.png", "pics/deep/er/a b.JPG", "pics/é 鴉's.tif")
    Path("pics/notes.txt").write_text("no image", "utf-8")
    found = ["b.png", "deep/er/a b.JPG", "é 鴉's.tif"]
    assert gathered("pics") == (found, [])
    assert gathered("pics/b.png", "pics") == (found, [])


def test_a_pattern_that_no_shell_expanded_is_expanded() -> None:
    draw("a1.png", "a2.png", "b.png", "deep/a3.png")
    assert gathered("a*.png") == (["a1.png", "a2.png"], [])
    assert gathered("**/a?.png") == (["a1.png", "a2.png", "a3.png"], [])
    assert gathered("d*") == (["a3.png"], [])


def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    draw("a[1].png", "a1.png")
    assert gathered("a[1].png") == (["a[1].png"], [])


def test_a_file_counts_once_whatever_leads_to_it() -> None:
    draw("pics/a.png")
    Path("link.png").symlink_to("pics/a.png")
    assert gathered("pics/a.png", "pics", "pics/*.png", "link.png") == (["a.png"], [])


def test_what_means_no_image_is_a_line_and_the_others_go_on() -> None:
    draw("a.png")
    Path("empty/deep").mkdir(parents=True)
    found, complaints = gathered("empty", "no*.png", "a.png", "missing.png")
    assert found == ["a.png", "missing.png"]  # reading it says that it is missing
    assert complaints[0].startswith("empty: holds no image; looked for: .png, .jpg")
    assert complaints[1:] == ["no*.png: no file matches this pattern"]
    found, (complaint,) = gathered("*")
    assert found == ["a.png"]
    assert complaint.startswith("empty: holds no image")


def test_earlier_outputs_in_a_folder_are_no_inputs() -> None:
    draw("pics/a.png", "pics/out/a-conv.png")
    assert gathered("pics", to="pics/out") == (["a.png"], [])
    found, (complaint,) = gathered("pics", to="pics")
    assert found == []
    assert complaint == "pics: is the folder to write into; allowed: another one for --to"


def test_the_folder_that_an_image_lies_in_is_its_class() -> None:
    draw("pics/cat/a.png", "pics/b.png")
    images, _ = find_image_files([Path.cwd() / "pics"], Path("out"))
    assert [image.label for image in images] == [None, "cat"]


def test_what_cannot_be_followed_in_a_folder_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    draw("pics/a.png")
    Path("pics/lost.png").symlink_to("nowhere")
    assert gathered("pics") == (["a.png"], [])
    (line,) = capsys.readouterr().err.splitlines()
    assert "pics: not looked at: links that lead nowhere: 1 (lost.png)" in line
