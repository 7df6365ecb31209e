import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import torch.nn.functional as F
from PIL import Image

from autoencoders.commands import apply
from autoencoders.images.file_names import printable
from autoencoders.tracking import registered
from autoencoders.tracking.registered import Images, RegisteredModel
from autoencoders.variants.assembly import Assembled
from tests.saved import run, saved


@pytest.fixture
def upscaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembled:
    monkeypatch.chdir(tmp_path)
    return saved("mnist", (1, 28, 28))


def applied(*arguments: str, by: str = "mnist/superres") -> tuple[list[str], list[str]]:
    """Run the command; return what it wrote, in the folder `out`, and what it complains of."""
    return run(apply, "apply", by, "--to", "out", *arguments)


def draw(path: str | Path, grey: int = 0, size: int = 14) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (size, size), grey).save(path)


@torch.no_grad()
def test_an_image_file_goes_through_the_network(upscaler: Assembled) -> None:
    small = np.random.default_rng(0).integers(0, 256, (14, 14), dtype=np.uint8)
    Image.fromarray(small).save("small.png")
    assert applied("small.png", "--precision", "float32") == (["small-superres.png"], [])
    expected = upscaler.model(torch.from_numpy(small / 255).float().reshape(1, 1, 14, 14))
    with Image.open("out/small-superres.png") as image:
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
    written = applied("small.png", "--precision", "float32", by="cifar10/superres")
    assert written == (["small-superres.png"], [])
    expected = assembled.model(torch.from_numpy(small / 255).float().permute(2, 0, 1)[None])[0]
    with Image.open("out/small-superres.png") as image:
        difference = np.asarray(image) / 255 - expected.permute(1, 2, 0).numpy()
    assert difference.shape == (32, 32, 3)
    assert np.abs(difference).max() <= 0.51 / 255


@pytest.fixture
def networkless(monkeypatch: pytest.MonkeyPatch, upscaler: Assembled) -> None:
    """The variant's network only enlarges, so that each output shows its input's grey."""
    monkeypatch.setattr(
        type(upscaler.model), "forward", lambda model, seen: F.interpolate(seen, scale_factor=2)
    )


def greys() -> dict[str, int]:
    """Return the grey of each image that was written."""
    found = {}
    for path in Path("out").iterdir():
        with Image.open(path) as image:
            found[path.name] = np.asarray(image)[0, 0]
    return found


@pytest.mark.usefixtures("networkless")
@pytest.mark.parametrize(
    ("images", "written"),
    [
        (["a/1.png", "b/1.png"], ["1-superres.png", "1-superres-2.png"]),
        (["1.png", "1.bmp", "1.gif"], [f"1-superres{end}.png" for end in ("", "-2", "-3")]),
        (["a/x.png", "b/X.png"], ["x-superres.png", "X-superres-2.png"]),  # Windows, macOS
        (["a/é.png", "b/e\u0301.png"], ["é-superres.png", "e\u0301-superres-2.png"]),  # macOS
        (["x.png", "out/x-superres.png"], ["x-superres-2.png", "x-superres-superres.png"]),
    ],
)
def test_no_output_replaces_another_or_an_input(images: list[str], written: list[str]) -> None:
    for grey, image in enumerate(images):
        draw(image, grey)
    inputs = {image: Path(image).read_bytes() for image in images}
    assert applied(*images) == ([printable(name) for name in written], [])
    shown = greys()
    assert [shown[name] for name in written] == list(range(len(images)))
    assert {image: Path(image).read_bytes() for image in images} == inputs


@pytest.mark.usefixtures("networkless")
def test_a_file_given_twice_is_done_once_and_an_earlier_output_is_replaced() -> None:
    draw("a/1.png", 1)
    Path("link.png").symlink_to("a/1.png")
    for _ in range(2):
        once = applied("a/1.png", "a/1.png", "a/../a/1.png", "link.png")
        assert once == (["1-superres.png"], [])
    assert greys() == {"1-superres.png": 1}


@pytest.mark.usefixtures("networkless")
def test_what_lies_in_the_folder_stays_where_it_was_not_made_of_the_same_file() -> None:
    for name, grey in (("a/1.png", 1), ("b/1.png", 2), ("out/x-superres.png", 3), ("x.png", 4)):
        draw(name, grey)
    Path("out/1-superres-3.png").write_text("a text", "utf-8")
    for image, written in (
        ("a/1.png", "1-superres.png"),
        ("b/1.png", "1-superres-2.png"),
        ("x.png", "x-superres-2.png"),
    ):
        for _ in range(2):
            assert applied(image) == ([written], [])
    Path("out/1-superres-3.png").unlink()
    assert greys() == {
        **{"1-superres.png": 1, "1-superres-2.png": 2},
        **{"x-superres.png": 3, "x-superres-2.png": 4},
    }


@pytest.mark.usefixtures("networkless")
def test_what_fails_is_named_at_the_end_and_all_others_are_written() -> None:
    good = [f"{i}.png" for i in range(5)]
    for grey, name in enumerate(good):
        draw(name, grey)
    Path("text.png").write_text("no image", "utf-8")
    Path("empty.png").touch()
    draw("torn.png", size=500)
    Path("torn.png").write_bytes(Path("torn.png").read_bytes()[:60])
    Path("out").mkdir()
    bad = ["text.png", "empty.png", "torn.png", "missing.png"]
    mixed = [name for pair in zip(good, bad, strict=False) for name in pair] + good[4:]
    written, complaints = applied(*mixed)
    assert written == [f"{i}-superres.png" for i in range(5)]
    assert [greys()[name] for name in written] == list(range(5))
    here = f"{Path.cwd()}{os.sep}"
    assert [complaint.removeprefix(here).split(":")[0] for complaint in complaints] == [
        *bad,
        "4 of 9 images are left out",
    ]
    reasons = ("damaged, or in a format", "empty", "truncated", "No such file")
    for complaint, reason in zip(complaints, reasons, strict=False):
        assert reason in complaint


@torch.no_grad()
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (33, 47)])
def test_a_convolutional_network_takes_images_of_any_size(
    upscaler: Assembled, size: tuple[int, int]
) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, size, np.uint8)).save("a.png")
    assert applied("a.png") == (["a-superres.png"], [])
    with Image.open("out/a-superres.png") as image:
        assert image.size == (2 * size[1], 2 * size[0])


def test_others_take_the_trained_size_alone_or_what_is_resampled_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28), "vae")
    draw("fits.png", size=28)
    draw("large.png", size=50)
    written, complaints = applied("large.png", "fits.png", by="mnist/vae")
    assert written == ["fits-vae.png"]
    assert "large.png: 50×50 pixels; this variant takes 28×28; resize it, or" in complaints[0]
    assert complaints[1] == "1 of 2 images are left out"
    assert applied("large.png", "--resize", by="mnist/vae") == (["large-vae.png"], [])
    with Image.open("out/large-vae.png") as image:
        assert image.size == (28, 28)


# --- folders, files, formats


@pytest.mark.usefixtures("networkless")
def test_a_folder_keeps_its_structure_and_each_file_its_format() -> None:
    names = ["pics/a.png", "pics/deep/b c.tif", "pics/deep/é's.bmp", "pics/x.webp", "pics/y.JPEG"]
    for grey, name in enumerate(names):
        draw(name, grey * 40)
    written, complaints = applied("pics")
    assert complaints == []
    outputs = {
        "a-superres.png": "PNG",
        "deep/b c-superres.tif": "TIFF",
        "deep/é's-superres.png": "PNG",
        "x-superres.webp": "WEBP",
        "y-superres.jpeg": "JPEG",
    }
    assert written == list(outputs)
    for (name, kind), grey in zip(outputs.items(), range(0, 200, 40), strict=True):
        with Image.open(Path("out", name)) as image:
            assert image.format == kind
            assert abs(int(np.asarray(image.convert("L"))[0, 0]) - grey) <= 1
    assert applied("pics") == (written, [])  # each replaces its own, whatever its format


@pytest.mark.usefixtures("networkless")
def test_one_image_may_go_into_a_file_that_is_nobody_elses() -> None:
    draw("a.png", 1)
    draw("b.png", 2)
    new = Path("new/a.webp").absolute()
    for _ in range(2):
        assert applied("a.png", "--to", "new/a.webp") == ([str(new)], [])
    before = new.read_bytes()
    for to in ("new/a.webp", "a.png"):
        written, (complaint,) = applied("b.png", "--to", to)
        assert written == []
        assert (
            "which is not an earlier output of this variant for this image; allowed: a new"
            in complaint
        )
    assert applied("a.png", "--to", "c.bmp")[1] == [
        "--to: found c.bmp; allowed: a folder, or .png, .jpg, .jpeg, .webp, .tif, .tiff"
    ]
    assert applied("a.png", "--to", "v1.0")[1] == []  # which is no image's ending
    assert applied("a.png", "--to", "c.jpg", "--format", "png")[1] == [
        "--format: found png for c.jpg; leave it out"
    ]
    assert new.read_bytes() == before


@pytest.mark.usefixtures("networkless")
def test_the_format_is_what_one_asks_for() -> None:
    draw("a.png", 9)
    assert applied("a.png", "--format", "tiff") == (["a-superres.tif"], [])
    Image.new("LA", (4, 4), (9, 100)).save("clear.png")
    assert applied("clear.png") == (["clear-superres.png"], [])
    written, complaints = applied("clear.png", "--format", "jpeg")
    assert written == []
    assert "clear.png: has transparent pixels, which JPEG cannot store; choose" in complaints[0]


@pytest.mark.usefixtures("networkless")
def test_what_is_written_with_fewer_bits_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    deep = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4000
    Image.fromarray(deep).save("deep.png")
    assert applied("deep.png") == (["deep-superres.png"], [])
    with Image.open("out/deep-superres.png") as image:
        np.testing.assert_array_equal(np.asarray(image)[::2, ::2], deep)
    assert capsys.readouterr().err == ""
    assert applied("deep.png", "--format", "webp") == (["deep-superres.webp"], [])
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"warning: .*deep\.png: written with fewer bits than the file has: ", line)


@pytest.mark.usefixtures("networkless")
def test_colours_of_16_bits_come_out_as_16_and_replace_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deep = np.arange(48, dtype=np.uint16).reshape(4, 4, 3) * 1300
    tifffile.imwrite("deep.tif", deep, photometric="rgb")
    for _ in range(2):
        assert applied("deep.tif") == (["deep-superres.tif"], [])
        np.testing.assert_array_equal(tifffile.imread("out/deep-superres.tif")[::2, ::2], deep)
        assert applied("deep.tif", "--format", "png") == (["deep-superres.png"], [])
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("networkless")
def test_an_image_and_what_became_of_it_are_compared_in_one() -> None:
    draw("a.png", 9)
    assert applied("a.png", "--compare") == (["a-superres-compared.png"], [])
    with Image.open("out/a-superres-compared.png") as image:
        assert image.size == (56, 28)


@torch.no_grad()
def test_colours_go_through_a_grey_network_by_channel_or_as_luma(upscaler: Assembled) -> None:
    image = np.random.default_rng(0).random((14, 14, 3), np.float32)
    Image.fromarray((image * 255).round().astype(np.uint8)).save("a.png")
    shown = {}
    for way in ("channels", "luma"):
        assert applied("a.png", "--colour", way) == (["a-superres.png"], [])
        with Image.open("out/a-superres.png") as made:
            shown[way] = np.asarray(made) / 255
    channels = torch.from_numpy(image).permute(2, 0, 1)[:, None]
    expected = upscaler.model(channels)[:, 0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(shown["channels"], expected, atol=0.01)
    assert np.abs(shown["luma"] - expected).max() > 0.1


# --- what cannot be


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("mnist/superes", ", which is not trained; did you mean 'mnist/superres'?; allowed"),
        ("mnist/a", ", which is not trained; allowed: mnist/superres, or train it first"),
        ("mnist/classifier", ", which is a classifier and not an autoencoder; trained: mnist/su"),
        ("mnist", "; allowed: <dataset>/<variant>; trained: mnist/superres"),
    ],
)
@pytest.mark.usefixtures("upscaler")
def test_what_is_not_trained_is_said_with_what_is(by: str, said: str) -> None:
    draw("a.png")
    written, (complaint,) = applied("a.png", by=by)
    assert written == []
    assert complaint.startswith(f"found {by!r}{said}")


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("mnist/conv", ", which is not trained: run `dvc repro 'train@mnist-conv'`"),
        ("mnist", "; allowed: <dataset>/<variant>; trained: none yet"),
    ],
)
def test_where_nothing_is_trained_it_says_how(
    by: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert applied("a.png", by=by) == ([], [f"found {by!r}{said}"])


def test_no_image_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        applied()
    (line,) = capsys.readouterr().err.splitlines()
    assert "the following arguments are required: IN" in line


@pytest.mark.usefixtures("upscaler")
def test_what_means_no_image_is_said_and_the_others_are_written() -> None:
    Path("empty").mkdir()
    draw("a.png")
    written, complaints = applied("empty", "no*.png", "a.png")
    assert written == ["a-superres.png"]
    assert "empty: contains no image" in complaints[0]
    assert "no*.png: no file matches this pattern" in complaints[1]
    assert len(complaints) == 2


@pytest.mark.usefixtures("upscaler")
def test_where_nothing_can_be_done_no_folder_is_left() -> None:
    written, complaints = applied("missing.png")
    assert (written, len(complaints)) == ([], 2)
    assert not Path("out").exists()


@pytest.mark.parametrize("typed", [["a.png", "--to", ""], ["", "--to", "out"]])
def test_no_path_is_none_and_not_the_folder_that_one_is_in(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        applied(*typed)
    (complaint,) = capsys.readouterr().err.splitlines()
    assert "found ''; allowed: a path" in complaint


@pytest.mark.usefixtures("upscaler")
@pytest.mark.parametrize("obstacle", ["out", "out/below"])
def test_a_folder_that_cannot_be_is_refused_before_any_work(obstacle: str) -> None:
    Path("out").write_text("a file", "utf-8")
    written, (complaint,) = applied("one.png", "--to", obstacle)
    assert written == []
    assert "which cannot be written" in complaint
    assert "Not a directory" in complaint
    assert Path("out").read_text("utf-8") == "a file"


@pytest.mark.usefixtures("networkless")
def test_a_full_disk_is_said_once_and_leaves_nothing_half_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for i in range(4):
        draw(f"{i}.png", i)
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "2-superres" in path.name:
            write(path, content[:20])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    written, complaints = applied(*(f"{i}.png" for i in range(4)))
    assert complaints[0].endswith("2-superres.png cannot be written: No space left on device")
    assert complaints[1:] == ["2 of 4 images are left out, 1 of them not tried"]
    assert written == ["0-superres.png", "1-superres.png"]
    assert sorted(path.name for path in Path("out").iterdir()) == written


@pytest.mark.usefixtures("networkless")
def test_a_name_that_is_too_long_costs_its_own_output_alone() -> None:
    draw("a" * 250 + ".png")
    draw("b.png")
    written, complaints = applied("a" * 250 + ".png", "b.png")
    assert written == ["b-superres.png"]
    assert "cannot be written: File name too long" in complaints[0]


@pytest.mark.usefixtures("networkless")
def test_names_of_any_bytes() -> None:
    names = [os.fsdecode(b"caf\xe9"), "é", "鴉", "a\nb"]
    for name in names:
        draw(f"{name}.png")
    written, complaints = applied(*(f"{name}.png" for name in names), "no\n.png")
    assert written == [f"{name}-superres.png" for name in (r"caf\xe9", "é", "鴉", r"a\nb")]
    assert {path.name for path in Path("out").iterdir()} == {f"{n}-superres.png" for n in names}
    assert len(complaints) == 2
    assert "no\\n.png: " in complaints[0]


# --- models of MLflow's, which tests/test_tracking.py loads


@torch.no_grad()
def test_a_model_of_mlflows_takes_the_variants_place(
    upscaler: Assembled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(uri: str) -> RegisteredModel:
        assert uri == "models:/mnist-superres@champion"
        return RegisteredModel("mnist-superres", (1, 14, 14), (1, 28, 28), predict)

    def predict(images: Images) -> Images:
        made: Images = upscaler.model(torch.from_numpy(images)).numpy()
        return made

    monkeypatch.setattr(registered, "load", load)
    draw("a.png", 99)
    draw("b.png", 9)
    draw("large.png", size=20)
    by = ["--model", "models:/mnist-superres@champion", "--to", "out"]
    assert run(apply, "apply", *by, "a.png") == (["a-mnist-superres.png"], [])
    expected = upscaler.model(torch.full((1, 1, 14, 14), 99 / 255))[0, 0]
    with Image.open("out/a-mnist-superres.png") as image:
        assert np.abs(np.asarray(image) / 255 - expected.numpy()).max() <= 0.51 / 255
    written, complaints = run(apply, "apply", "large.png", "b.png", *by)
    assert written == ["b-mnist-superres.png"]
    assert "large.png: 20×20 pixels; this variant takes 14×14" in complaints[0]
    assert run(apply, "apply", "large.png", *by, "--resize")[0] == ["large-mnist-superres.png"]


def test_a_model_that_is_none_from_images_to_images_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keras = RegisteredModel("a-keras", (28, 28, 1), (28, 28, 1), lambda images: images)
    monkeypatch.setattr(registered, "load", lambda uri: keras)
    written, (complaint,) = run(apply, "apply", "--model", "models:/a-keras/1", "a", "--to", "out")
    assert written == []
    assert complaint.startswith(
        "--model: found 'models:/a-keras/1', which maps (28, 28, 1) to (28,"
    )
