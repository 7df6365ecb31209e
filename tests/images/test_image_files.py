"""The image files behind files, folders and patterns."""

import os
from pathlib import Path

import pytest
from PIL import Image

from autoencoders.images import formats
from autoencoders.images.listing import find_image_files


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draw(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(name)


def found_files(*names: str, to: str = "out") -> tuple[list[str], list[str]]:
    """Return the relative paths of the files found, and the error messages without the folder."""
    here = Path.cwd()
    images, complaints = find_image_files([here / name for name in names], here / to)
    relative = [image.relative_path.as_posix() for image in images]
    return relative, [complaint.replace(f"{here}{os.sep}", "") for complaint in complaints]


def test_a_folder_is_searched_for_names_of_images() -> None:
    draw("pics/b.png", "pics/deep/er/a b.JPG", "pics/é 鴉's.tif")
    Path("pics/notes.txt").write_text("no image", "utf-8")
    found = ["b.png", "deep/er/a b.JPG", "é 鴉's.tif"]
    assert found_files("pics") == (found, [])
    assert found_files("pics/b.png", "pics") == (found, [])


def test_all_formats_that_pillow_opens_are_found_and_the_rest_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = [
        "a.png",
        "b.jfif",
        "c.jpe",
        "d.JP2",
        "e.j2k",
        "f.qoi",
        "g.tga",
        "h.mpo",
        "i.psd",
        "j.apng",
        "k.pnm",
        "l.Jpg",
    ]
    images += ["m.avif"] * (".avif" in Image.registered_extensions())
    others = ["a.pdf", "b.eps", "c.mpg", "d.h5", "e.txt", "f.csv", "g.PDF", "h"]
    Path("pics").mkdir()
    for name in (*images, *others):
        Path("pics", name).touch()
    assert found_files("pics") == (images, [])
    counts = "2 .pdf, 1 .csv, 1 .eps, 1 .h5, 1 .mpg, …"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"pics: skipped: files with other extensions: 8 ({counts})")


def test_a_plug_in_adds_its_formats(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw("pics/a.png", "pics/b.png")
    Path("pics/b.png").rename("pics/b.new")
    (here / "a_plug_in.py").write_text(
        "from PIL import Image; Image.register_extension('PNG', '.new')", "utf-8"
    )
    monkeypatch.syspath_prepend(here)
    monkeypatch.setattr(formats, "PLUG_INS", ("not_installed", "a_plug_in"))
    monkeypatch.setattr(Image, "EXTENSION", dict(Image.registered_extensions()))
    formats.image_extensions.cache_clear()
    try:
        assert found_files("pics") == (["a.png", "b.new"], [])
    finally:
        formats.image_extensions.cache_clear()


def test_a_pattern_is_expanded() -> None:
    draw("a1.png", "a2.png", "b.png", "deep/a3.png")
    assert found_files("a*.png") == (["a1.png", "a2.png"], [])
    assert found_files("**/a?.png") == (["a1.png", "a2.png", "a3.png"], [])
    assert found_files("d*") == (["a3.png"], [])


def test_an_existing_file_is_not_a_pattern() -> None:
    draw("a[1].png", "a1.png")
    assert found_files("a[1].png") == (["a[1].png"], [])


def test_a_file_is_found_once_even_with_several_paths() -> None:
    draw("pics/a.png")
    Path("link.png").symlink_to("pics/a.png")
    assert found_files("pics/a.png", "pics", "pics/*.png", "link.png") == (["a.png"], [])


def test_a_path_without_images_gives_one_line_and_others_are_found() -> None:
    draw("a.png")
    Path("empty/deep").mkdir(parents=True)
    found, complaints = found_files("empty", "no*.png", "a.png", "missing.png")
    assert found == ["a.png", "missing.png"]  # the reader raises the error of a missing file
    assert complaints[0].startswith("empty: contains no image file; allowed: images that")
    assert complaints[1:] == ["no*.png: no file matches this pattern"]
    found, (complaint,) = found_files("*")
    assert found == ["a.png"]
    assert complaint.startswith("empty: contains no image")


def test_earlier_outputs_in_a_folder_are_not_inputs() -> None:
    draw("pics/a.png", "pics/out/a-conv.png")
    assert found_files("pics", to="pics/out") == (["a.png"], [])
    found, (complaint,) = found_files("pics", to="pics")
    assert found == []
    assert complaint == "pics: is also the output folder; allowed: another folder for --to"


def test_the_folder_of_an_image_is_its_class() -> None:
    draw("pics/cat/a.png", "pics/b.png")
    images, _ = find_image_files([Path.cwd() / "pics"], Path("out"))
    assert [image.label for image in images] == [None, "cat"]


def test_a_broken_link_gives_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    draw("pics/a.png")
    Path("pics/lost.png").symlink_to("nowhere")
    assert found_files("pics") == (["a.png"], [])
    (line,) = capsys.readouterr().err.splitlines()
    assert "pics: skipped: broken links: 1 (lost.png)" in line
