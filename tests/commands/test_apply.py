import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from autoencoders import params, paths
from autoencoders.commands import Parser, apply
from autoencoders.errors import UserError
from autoencoders.keys import ImageShape
from autoencoders.sources.names import printable
from autoencoders.trained import variant
from autoencoders.variants.assembly import Assembled

ROOT = Path(__file__).parents[2]


@pytest.fixture
def upscaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembled:
    monkeypatch.chdir(tmp_path)
    return saved("mnist", (1, 28, 28))


def saved(dataset: str, image_shape: ImageShape, name: str = "superres") -> Assembled:
    """Save an untrained variant of a dataset as if it were trained."""
    description = variant.Description(
        dataset=dataset,
        name=name,
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=image_shape,
        variant=params.load(ROOT / "params.yaml").variants[name],
    )
    assembled = variant.build(description)
    history = [{"epoch": 1.0, "validation_loss": 1.0}]
    variant.save(paths.model(dataset, name), description, assembled, history)
    return assembled


def applied(*arguments: str, by: str = "mnist/superres") -> tuple[list[str], list[str]]:
    """Run the command; return what it wrote, in the folder `out`, and what it complains of."""
    parser = Parser()
    apply.add(parser.add_subparsers())
    written = []
    try:
        for line in apply.run(parser.parse_args(["apply", by, "--to", "out", *arguments])):
            written.append(line.removeprefix(f"{Path('out').absolute()}{os.sep}"))
    except UserError as error:
        return written, str(error).splitlines()
    return written, []


def draw(path: str | Path, grey: int = 0, size: int = 14) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (size, size), grey).save(path)


@torch.no_grad()
def test_an_image_file_goes_through_the_network(upscaler: Assembled) -> None:
    small = np.random.default_rng(0).integers(0, 256, (14, 14), dtype=np.uint8)
    Image.fromarray(small).save("small.png")
    assert applied("small.png") == (["small-superres.png"], [])
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
    assert applied("small.png", by="cifar10/superres") == (["small-superres.png"], [])
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
    reasons = ("damaged, or of no format", "empty", "truncated", "No such file")
    for complaint, reason in zip(complaints, reasons, strict=False):
        assert reason in complaint


@pytest.mark.usefixtures("networkless")
def test_other_sizes_are_resampled_where_one_asks_for_it() -> None:
    draw("large.png", 7, size=50)
    assert applied("large.png", "--resize") == (["large-superres.png"], [])
    assert greys() == {"large-superres.png": 7}


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


@pytest.mark.parametrize("obstacle", ["out", "out/below"])
def test_a_folder_that_cannot_be_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    monkeypatch.chdir(tmp_path)  # where no variant is trained
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
    save = Image.Image.save

    def full(image: Image.Image, path: Path, **options: Any) -> None:
        save(image, path, **options)
        if "2-superres" in path.name:
            path.write_bytes(path.read_bytes()[:20])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    written, (complaint,) = applied(*(f"{i}.png" for i in range(4)))
    assert complaint.endswith("2-superres.png cannot be written: No space left on device")
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
