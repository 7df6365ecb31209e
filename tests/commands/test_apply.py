import errno
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import torch.nn.functional as F
from PIL import Image

from autoencoders.application import colour
from autoencoders.commands import apply
from autoencoders.tracking import registered
from autoencoders.tracking.registered import Images, RegisteredModel
from autoencoders.variants.assembly import Assembled
from tests.saved import lay_out, run, saved


@pytest.fixture
def upscaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembled:
    monkeypatch.chdir(tmp_path)
    return saved("mnist", (1, 28, 28))


def applied(*arguments: str, by: str = "mnist/superres") -> tuple[list[str], list[str]]:
    """Run the command; return the written paths in the folder `out`, and the errors."""
    return run(apply, "apply", by, "--to", "out", *arguments)


def draw(path: str | Path, grey: int = 0, size: int = 14) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (size, size), grey).save(path)


@torch.no_grad()
def test_the_output_is_that_of_the_network(upscaler: Assembled) -> None:
    small = np.random.default_rng(0).integers(0, 256, (14, 14), dtype=np.uint8)
    Image.fromarray(small).save("small.png")
    assert applied("small.png", "--precision", "float32") == (["small-superres.png"], [])
    expected = upscaler.model(torch.from_numpy(small / 255).float().reshape(1, 1, 14, 14))
    with Image.open("out/small-superres.png") as image:
        difference = np.asarray(image) / 255 - expected.numpy()[0, 0]
    assert np.abs(difference).max() <= 0.51 / 255


@torch.no_grad()
def test_the_output_of_a_colour_network_has_colours(
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
def enlarging_only(monkeypatch: pytest.MonkeyPatch, upscaler: Assembled) -> None:
    """Replace the network by an enlargement: each output has its input's grey."""
    monkeypatch.setattr(
        type(upscaler.model), "forward", lambda model, inputs: F.interpolate(inputs, scale_factor=2)
    )


def greys() -> dict[str, int]:
    """Return the grey of each written image."""
    values = {}
    for path in Path("out").iterdir():
        with Image.open(path) as image:
            values[path.name] = np.asarray(image)[0, 0]
    return values


@pytest.mark.usefixtures("enlarging_only")
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
    assert applied(*images) == (written, [])
    values = greys()
    assert [values[name] for name in written] == list(range(len(images)))
    assert {image: Path(image).read_bytes() for image in images} == inputs


@pytest.mark.usefixtures("enlarging_only")
def test_a_repeated_input_is_processed_once_and_an_earlier_output_is_replaced() -> None:
    draw("a/1.png", 1)
    Path("link.png").symlink_to("a/1.png")
    for _ in range(2):
        once = applied("a/1.png", "a/1.png", "a/../a/1.png", "link.png")
        assert once == (["1-superres.png"], [])
    assert greys() == {"1-superres.png": 1}


@pytest.mark.usefixtures("enlarging_only")
def test_an_output_that_another_process_has_just_written_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw("a/1.png", 1)
    draw("b/1.png", 2)
    apply_network = colour.apply_network

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(apply, "apply_network", apply_network)
        assert applied("a/1.png") == (["1-superres.png"], [])  # the other process
        return apply_network(*arguments)

    monkeypatch.setattr(apply, "apply_network", slow)
    written, errors = applied("b/1.png")
    assert (written, greys()) == ([], {"1-superres.png": 1})
    assert re.search(r"b/1\.png: another process has just written .*/1-superres\.png", errors[0])
    assert applied("b/1.png") == (["1-superres-2.png"], [])


@pytest.mark.usefixtures("enlarging_only")
def test_other_files_in_the_output_folder_are_not_replaced() -> None:
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


@pytest.mark.usefixtures("enlarging_only")
def test_failures_are_reported_at_the_end_and_all_other_images_are_written() -> None:
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
    written, errors = applied(*mixed)
    assert written == [f"{i}-superres.png" for i in range(5)]
    assert [greys()[name] for name in written] == list(range(5))
    here = f"{Path.cwd()}{os.sep}"
    assert [error.removeprefix(here).split(":")[0] for error in errors] == [
        *bad,
        "4 of 9 images not written",
    ]
    reasons = ("damaged, or in a format", "empty", "truncated", "there is no such file")
    for error, reason in zip(errors, reasons, strict=False):
        assert reason in error


@torch.no_grad()
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (33, 47)])
def test_a_convolutional_network_takes_images_of_any_size(
    upscaler: Assembled, size: tuple[int, int]
) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, size, np.uint8)).save("a.png")
    assert applied("a.png") == (["a-superres.png"], [])
    with Image.open("out/a-superres.png") as image:
        assert image.size == (2 * size[1], 2 * size[0])


def test_a_network_with_linear_layers_takes_the_trained_size_or_resamples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28), "vae")
    draw("fits.png", size=28)
    draw("large.png", size=50)
    written, errors = applied("large.png", "fits.png", by="mnist/vae")
    assert written == ["fits-vae.png"]
    assert "large.png: 50×50 pixels; this variant takes 28×28; resize it, or" in errors[0]
    assert errors[1] == "1 of 2 images not written"
    assert applied("large.png", "--resize", by="mnist/vae") == (["large-vae.png"], [])
    with Image.open("out/large-vae.png") as image:
        assert image.size == (28, 28)


# --- folders, files, formats


@pytest.mark.usefixtures("enlarging_only")
def test_a_folder_keeps_its_structure_and_each_file_its_format() -> None:
    names = ["pics/a.png", "pics/deep/b c.tif", "pics/deep/é's.bmp", "pics/x.webp", "pics/y.JPEG"]
    for grey, name in enumerate(names):
        draw(name, grey * 40)
    written, errors = applied("pics")
    assert errors == []
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


@pytest.mark.usefixtures("enlarging_only")
def test_a_folder_of_all_formats_is_processed(capsys: pytest.CaptureFixture[str]) -> None:
    for grey, name in enumerate(("a.png", "b.jfif", "c.jpe", "e.jp2", "f.qoi", "g.tga")):
        Path("pics").mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (grey * 30,) * 3).save(f"pics/{name}")
    Path("pics/d.heic").write_text("no image that Pillow opens", "utf-8")
    ends = ("a-{}.png", "b-{}.jfif", "c-{}.jpe", "e-{}.png", "f-{}.png", "g-{}.png")
    written = [end.format("superres") for end in ends]
    assert applied("pics") == (written, [])
    means = [np.asarray(Image.open(Path("out", name))).mean() for name in written]
    assert means == pytest.approx(range(0, 180, 30), abs=1)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("pics: skipped: files with other extensions: 1 (1 .heic)")


@pytest.mark.usefixtures("enlarging_only")
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("given", ["pattern", "folder", "names"])
def test_outputs_beside_their_inputs_are_not_inputs(
    extension: str, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for grey, name in enumerate("ab"):
        draw(f"pics/{name}.{extension}", grey)
    outputs = [str(Path(f"pics/{name}-superres.{extension}").absolute()) for name in "ab"]
    folder = "pics/out" if given == "folder" else "pics"  # pics is then no output folder
    for _ in range(3):
        names = [str(path) for path in sorted(Path("pics").glob("*.*"))]  # as from a shell
        arguments = {"pattern": ["pics/*.*"], "folder": ["pics"], "names": names}[given]
        written, errors = applied(*arguments, "--to", folder)
        assert [Path(path).name for path in written] == [Path(path).name for path in outputs]
        assert errors == []
    assert len([path for path in Path("pics").rglob("*.*") if path.is_file()]) == 4
    warning = f"skipped outputs of this program: 2 ({', '.join(outputs)}); to use them as inputs, "
    assert capsys.readouterr().err.count(warning) == 2 * (given != "folder")


@pytest.mark.usefixtures("enlarging_only")
def test_outputs_are_recognised_after_a_copy_and_with_16_bits() -> None:
    tifffile.imwrite("deep.tif", np.ones((4, 4, 3), np.uint16), photometric="rgb")
    draw("a.png")
    applied("deep.tif", "a.png", "--to", "made")
    Path("made").rename("pics")
    Path("pics/a-superres.png").rename("pics/b.png")
    draw("pics/c.png")
    assert applied("pics") == (["c-superres.png"], [])


@pytest.mark.usefixtures("enlarging_only")
def test_outputs_are_inputs_if_their_files_are_listed() -> None:
    draw("a.png", 7)
    applied("a.png")
    written, (error,) = applied("out", "--to", "again")
    assert written == []
    assert error.startswith("found only outputs of this program: 1 (")
    assert "; to use them as inputs, list these files, without their own inputs" in error
    (path,), errors = applied("out/a-superres.png", "--to", "again")
    assert (Path(path).name, errors) == ("a-superres-superres.png", [])


@pytest.mark.usefixtures("enlarging_only")
def test_one_image_is_written_to_a_file_that_is_new_or_its_own() -> None:
    draw("a.png", 1)
    draw("b.png", 2)
    new = Path("new/a.webp").absolute()
    for _ in range(2):
        assert applied("a.png", "--to", "new/a.webp") == ([str(new)], [])
    before = new.read_bytes()
    for to in ("new/a.webp", "a.png"):
        written, (error,) = applied("b.png", "--to", to)
        assert written == []
        assert (
            "which is not an earlier output of this variant for this image; allowed: a new" in error
        )
    assert applied("a.png", "--to", "c.jpg", "--format", "png")[1] == [
        "--format: found png for --to c.jpg; allowed: jpeg, or none"
    ]
    assert new.read_bytes() == before


ENDINGS = ".png, .jpg, .jpeg, .jpe, .jfif, .webp, .tif, .tiff"
FOLDER = "a folder (one that exists, or a name without an extension)"


@pytest.mark.usefixtures("enlarging_only")
@pytest.mark.parametrize("to", ["c.bmp", "res.jxl", "res.pgn", "new/res.jp2", "res.txt", "r.png "])
def test_an_output_with_an_unknown_extension_is_refused_and_no_folder_is_made(to: str) -> None:
    draw("a.png")
    message = f"--to: found {Path(to).name}; allowed: {FOLDER}, or for one image {ENDINGS}"
    assert applied("a.png", "--to", to) == ([], [message])
    assert {path.name for path in Path.cwd().iterdir()} == {"models", "a.png"}


@pytest.mark.usefixtures("enlarging_only")
@pytest.mark.parametrize("images", [["a.png", "b.png"], ["*.png"], ["."]])
def test_one_output_file_for_several_images_is_refused(images: list[str]) -> None:
    draw("a.png")
    draw("b.png")
    message = f"--to: found the file both.png for 2 images; allowed: {FOLDER}"
    assert applied(*images, "--to", "both.png") == ([], [message])
    assert not Path("both.png").exists()


@pytest.mark.usefixtures("enlarging_only")
def test_a_pattern_for_one_image_may_have_an_output_file() -> None:
    draw("one.png", 7)
    assert applied("on*.png", "--to", "out/b.tif") == (["b.tif"], [])
    assert greys() == {"b.tif": 7}


@pytest.mark.usefixtures("enlarging_only")
def test_folders_may_have_points_in_their_names() -> None:
    draw("a.png", 3)
    Path("old.jxl").mkdir()
    for to in ("v1.0", "old.jxl", ".hidden"):
        assert applied("a.png", "--to", to)[1] == []
        assert Path(to, "a-superres.png").is_file()


@pytest.mark.usefixtures("enlarging_only")
@pytest.mark.parametrize("typed", ["jpg", "JPEG", ".Jpg", "jfif"])
def test_formats_have_other_names_and_any_case(typed: str) -> None:
    draw("a.png", 9)
    assert applied("a.png", "--format", typed) == (["a-superres.jpg"], [])
    assert applied("a.png", "--to", "out/b.jpeg", "--format", typed) == (["b.jpeg"], [])


@pytest.mark.usefixtures("enlarging_only")
def test_format_sets_the_output_format() -> None:
    draw("a.png", 9)
    assert applied("a.png", "--format", "tiff") == (["a-superres.tif"], [])
    Image.new("LA", (4, 4), (9, 100)).save("clear.png")
    assert applied("clear.png") == (["clear-superres.png"], [])
    written, errors = applied("clear.png", "--format", "jpeg")
    assert written == []
    assert "clear.png: has transparent pixels, which JPEG cannot store; choose" in errors[0]


@pytest.mark.usefixtures("enlarging_only")
def test_a_loss_of_bits_is_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    deep = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4000
    Image.fromarray(deep).save("deep.png")
    assert applied("deep.png") == (["deep-superres.png"], [])
    with Image.open("out/deep-superres.png") as image:
        np.testing.assert_array_equal(np.asarray(image)[::2, ::2], deep)
    assert capsys.readouterr().err == ""
    assert applied("deep.png", "--format", "webp") == (["deep-superres.webp"], [])
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(
        r"warning: .*deep\.png: written with fewer bits per channel than the file has: ", line
    )


@pytest.mark.usefixtures("enlarging_only")
def test_colours_keep_16_bits_and_replace_their_earlier_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deep = np.arange(48, dtype=np.uint16).reshape(4, 4, 3) * 1300
    tifffile.imwrite("deep.tif", deep, photometric="rgb")
    for _ in range(2):
        assert applied("deep.tif") == (["deep-superres.tif"], [])
        np.testing.assert_array_equal(tifffile.imread("out/deep-superres.tif")[::2, ::2], deep)
        assert applied("deep.tif", "--format", "png") == (["deep-superres.png"], [])
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("enlarging_only")
def test_compare_writes_input_and_output_in_one_image() -> None:
    draw("a.png", 9)
    assert applied("a.png", "--compare") == (["a-superres-compared.png"], [])
    with Image.open("out/a-superres-compared.png") as image:
        assert image.size == (56, 28)


@torch.no_grad()
def test_a_grey_network_processes_each_channel_or_the_luma(upscaler: Assembled) -> None:
    image = np.random.default_rng(0).random((14, 14, 3), np.float32)
    Image.fromarray((image * 255).round().astype(np.uint8)).save("a.png")
    outputs = {}
    for option in ("channels", "luma"):
        assert applied("a.png", "--colour", option) == (["a-superres.png"], [])
        with Image.open("out/a-superres.png") as output:
            outputs[option] = np.asarray(output) / 255
    channels = torch.from_numpy(image).permute(2, 0, 1)[:, None]
    expected = upscaler.model(channels)[:, 0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(outputs["channels"], expected, atol=0.01)
    assert np.abs(outputs["luma"] - expected).max() > 0.1


# --- errors


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("mnist/superes", ", which is not trained; did you mean 'mnist/superres'?; allowed"),
        ("mnist/a", ", which is not trained; allowed: mnist/superres, or train it first"),
        ("mnist/classifier", ", which is a classifier and not an autoencoder; trained: mnist/su"),
        ("mnits_denoise", "; did you mean 'mnist_denoise'?; allowed: a name that `autoenc"),
    ],
)
@pytest.mark.usefixtures("upscaler")
def test_an_untrained_variant_is_an_error_that_lists_the_trained_ones(
    by: str, message: str
) -> None:
    draw("a.png")
    written, (error,) = applied("a.png", by=by)
    assert written == []
    assert error.startswith(f"found {by!r}{message}")


def test_without_any_trained_variant_the_error_says_how_to_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path)
    written, (error,) = applied("a.png", by="mnist/conv")
    assert written == []
    assert error == ("found 'mnist/conv', which is not trained: run `dvc repro 'train@mnist-conv'`")


def test_no_image_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        applied()
    (line,) = capsys.readouterr().err.splitlines()
    assert "the following arguments are required: IN" in line


@pytest.mark.usefixtures("upscaler")
def test_a_folder_or_pattern_without_images_is_an_error_and_the_rest_is_written() -> None:
    Path("empty").mkdir()
    draw("a.png")
    written, errors = applied("empty", "no*.png", "a.png")
    assert written == ["a-superres.png"]
    assert "empty: contains no image" in errors[0]
    assert "no*.png: no file matches this pattern" in errors[1]
    assert len(errors) == 2


@pytest.mark.usefixtures("upscaler")
def test_without_any_output_no_folder_is_created() -> None:
    written, errors = applied("missing.png")
    assert (written, len(errors)) == ([], 2)
    assert not Path("out").exists()


@pytest.mark.parametrize("typed", [["a.png", "--to", ""], ["", "--to", "out"]])
def test_an_empty_path_is_not_the_current_folder(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        applied(*typed)
    (error,) = capsys.readouterr().err.splitlines()
    assert "found ''; allowed: a path" in error


@pytest.mark.usefixtures("upscaler")
@pytest.mark.parametrize("obstacle", ["out", "out/below"])
def test_an_output_folder_that_cannot_exist_is_an_error_before_any_work(obstacle: str) -> None:
    Path("out").write_text("a file", "utf-8")
    written, (error,) = applied("one.png", "--to", obstacle)
    assert written == []
    assert "which cannot be written" in error
    assert "Not a directory" in error
    assert Path("out").read_text("utf-8") == "a file"


@pytest.mark.usefixtures("enlarging_only")
def test_a_full_disk_is_one_error_and_leaves_no_incomplete_file(
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
    written, errors = applied(*(f"{i}.png" for i in range(4)))
    assert errors[0].endswith("2-superres.png cannot be written: No space left on device")
    assert errors[1:] == ["2 of 4 images not written, 1 of them not tried"]
    assert written == ["0-superres.png", "1-superres.png"]
    assert sorted(path.name for path in Path("out").iterdir()) == written


@pytest.mark.usefixtures("enlarging_only")
def test_a_name_that_is_too_long_does_not_affect_other_images() -> None:
    draw("a" * 250 + ".png")
    draw("b.png")
    written, errors = applied("a" * 250 + ".png", "b.png")
    assert written == ["b-superres.png"]
    assert "cannot be written: File name too long" in errors[0]


@pytest.mark.usefixtures("enlarging_only")
def test_names_of_any_bytes() -> None:
    names = [os.fsdecode(b"caf\xe9"), "é", "鴉", "a\nb"]
    for name in names:
        draw(f"{name}.png")
    written, errors = applied(*(f"{name}.png" for name in names), "no\n.png")
    assert written == [f"{name}-superres.png" for name in (r"caf\xe9", "é", "鴉", r"a\nb")]
    assert {path.name for path in Path("out").iterdir()} == {f"{n}-superres.png" for n in names}
    assert len(errors) == 2
    assert "no\\n.png: " in errors[0]


# --- registered models (tests/test_tracking.py loads them)


@torch.no_grad()
def test_a_registered_model_replaces_the_variant(
    upscaler: Assembled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(uri: str) -> RegisteredModel:
        assert uri == "models:/mnist-superres@champion"
        return RegisteredModel("mnist-superres", (1, 14, 14), (1, 28, 28), predict)

    def predict(images: Images) -> Images:
        outputs: Images = upscaler.model(torch.from_numpy(images)).numpy()
        return outputs

    monkeypatch.setattr(registered, "load", load)
    draw("a.png", 99)
    draw("b.png", 9)
    draw("large.png", size=20)
    by = ["--model", "models:/mnist-superres@champion", "--to", "out"]
    assert run(apply, "apply", *by, "a.png") == (["a-mnist-superres.png"], [])
    expected = upscaler.model(torch.full((1, 1, 14, 14), 99 / 255))[0, 0]
    with Image.open("out/a-mnist-superres.png") as image:
        assert np.abs(np.asarray(image) / 255 - expected.numpy()).max() <= 0.51 / 255
    written, errors = run(apply, "apply", "large.png", "b.png", *by)
    assert written == ["b-mnist-superres.png"]
    assert "large.png: 20×20 pixels; this variant takes 14×14" in errors[0]
    assert run(apply, "apply", "large.png", *by, "--resize")[0] == ["large-mnist-superres.png"]


def test_a_registered_model_without_image_shapes_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keras = RegisteredModel("a-keras", (28, 28, 1), (28, 28, 1), lambda images: images)
    monkeypatch.setattr(registered, "load", lambda uri: keras)
    written, (error,) = run(apply, "apply", "--model", "models:/a-keras/1", "a", "--to", "out")
    assert written == []
    assert error.startswith("--model: found 'models:/a-keras/1', which maps (28, 28, 1) to (28,")
