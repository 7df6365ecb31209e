import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tifffile
import torch
from PIL import Image

from autoencoders.commands import encode
from autoencoders.variants.assembly import Assembled
from tests.saved import run, saved


@pytest.fixture
def vae(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembled:
    monkeypatch.chdir(tmp_path)
    return saved("mnist", (1, 28, 28), "vae")


def encoded(*arguments: str, to: str = "z.parquet") -> tuple[list[str], list[str]]:
    """Run the command; return its lines and errors without the current folder."""
    lines, errors = run(encode, "encode", "mnist/vae", "--to", to, *arguments)
    here = f"{Path.cwd()}{os.sep}"
    return [line.replace(here, "") for line in lines], [e.replace(here, "") for e in errors]


def draw(name: str, seed: int = 0, size: int = 28) -> np.ndarray[Any, np.dtype[np.uint8]]:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size), np.uint8)
    Image.fromarray(pixels).save(name)
    return pixels


@torch.no_grad()
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_row_has_an_images_path_class_and_latent(
    vae: Assembled, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "BATCH", 2)  # of three
    names = ["digits/one/a b.png", "digits/one/é's.png", "digits/two/鴉.png"]
    images = np.stack([draw(name, seed) for seed, name in enumerate(names)])
    assert encoded("digits", to=f"new/z.{ending}") == ([f"new/z.{ending}"], [])
    read = pd.read_csv if ending == "csv" else pd.read_parquet
    table = read(f"new/z.{ending}")
    assert list(table.columns) == ["path", "class", "z0", "z1"]
    assert list(table["path"]) == [str(Path(name).absolute()) for name in names]
    assert list(table["class"]) == ["one", "one", "two"]
    expected = vae.model.encode(torch.from_numpy(images / np.float32(255))[:, None])
    np.testing.assert_allclose(table[["z0", "z1"]], expected, rtol=1e-5)


@pytest.mark.usefixtures("vae")
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_paths_in_a_table_are_the_systems_own_names(ending: str) -> None:
    """Composed and decomposed Unicode (macOS), characters without a form on a screen, a comma."""
    names = [
        "caf\u00e9",
        "cafe\u0301",
        "a\nb",
        "tab\t",
        'a "b", c',
        "\u2028",
        "\u202e",
        "👩\u200d🎨",
    ]
    for seed, name in enumerate(names):
        draw(f"pics/{name}/{name}.png", seed)
    assert encoded("pics", to=f"z.{ending}") == ([f"z.{ending}"], [])
    table = pd.read_csv("z.csv") if ending == "csv" else pd.read_parquet("z.parquet")
    assert sorted(table["class"]) == sorted(names)
    assert all(Path(path).is_file() for path in table["path"])
    assert [Path(path).stem for path in table["path"]] == list(table["class"])


@pytest.mark.usefixtures("vae")
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_bytes_that_are_not_utf_8_are_codes_in_a_table(ending: str) -> None:
    draw(os.fsdecode(b"caf\xe9.png"))
    assert encoded("*.png", to=f"z.{ending}") == ([f"z.{ending}"], [])
    table = pd.read_csv("z.csv") if ending == "csv" else pd.read_parquet("z.parquet")
    assert list(table["path"]) == [str(Path(r"caf\xe9.png").absolute())]


@pytest.mark.usefixtures("vae")
def test_a_file_given_without_a_folder_has_no_class() -> None:
    draw("a.png")
    encoded("a.png")
    assert pd.read_parquet("z.parquet")["class"].isna().tolist() == [True]


@pytest.mark.usefixtures("vae")
def test_tables_are_written_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "BATCH", 2)
    for i in range(5):
        draw(f"pics/{i}.png", i)
    assert encoded("pics") == (["z.parquet"], [])
    assert pq.ParquetFile("z.parquet").num_row_groups == 3


@pytest.mark.usefixtures("vae")
def test_unusable_images_are_reported_and_the_others_have_rows() -> None:
    draw("a.png")
    draw("large.png", size=50)
    Path("text.png").write_text("no image", "utf-8")
    lines, errors = encoded("large.png", "a.png", "text.png", "none*")
    assert lines == ["z.parquet"]
    assert errors[0] == "none*: no file matches this pattern"
    assert errors[1].startswith("large.png: 50×50 pixels; this variant takes 28×28; resize")
    assert errors[2].startswith("text.png: cannot be read as an image")
    assert errors[3:] == ["2 of 3 images were not encoded"]
    assert len(pd.read_parquet("z.parquet")) == 1
    assert encoded("large.png", "a.png", "--resize") == (["z.parquet"], [])
    assert len(pd.read_parquet("z.parquet")) == 2


@pytest.mark.usefixtures("vae")
def test_colours_become_grey_and_transparent_pixels_white() -> None:
    grey = draw("grey.png")
    Image.fromarray(grey).convert("RGB").save("colour.png")
    clear = Image.new("LA", (28, 28), (0, 0))
    clear.save("clear.png")
    Image.new("L", (28, 28), 255).save("white.png")
    encoded("grey.png", "colour.png", "clear.png", "white.png")
    codes = pd.read_parquet("z.parquet")[["z0", "z1"]].to_numpy()
    np.testing.assert_allclose(codes[0], codes[1], rtol=1e-3)
    np.testing.assert_array_equal(codes[2], codes[3])
    assert not np.allclose(codes[0], codes[2])


@torch.no_grad()
def test_colours_keep_16_bits(vae: Assembled) -> None:
    values = np.random.default_rng(0).integers(0, 2**16, (28, 28, 3), np.uint16)
    tifffile.imwrite("a.tif", values, photometric="rgb")
    encoded("a.tif")
    luma = (values / 65535 @ [0.299, 0.587, 0.114]).astype(np.float32)
    expected = vae.model.encode(torch.from_numpy(luma)[None, None])
    codes = pd.read_parquet("z.parquet")[["z0", "z1"]]
    np.testing.assert_allclose(codes, expected, atol=1e-5)


@pytest.mark.usefixtures("vae")
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_replaces_an_earlier_one_and_nothing_else(ending: str) -> None:
    draw("a.png")
    name = f"z.{ending}"
    for _ in range(2):
        assert encoded("a.png", to=name) == ([name], [])
    Path(name).write_text("mine", "utf-8")
    lines, (error,) = encoded("a.png", to=name)
    assert lines == []
    assert error == f"--to: found {name}, which is not a table of latents; allowed: a new file"
    assert Path(name).read_text("utf-8") == "mine"


@pytest.mark.usefixtures("vae")
def test_an_unknown_extension_is_an_error() -> None:
    assert encoded("a.png", to="z.json") == (
        [],
        ["--to: found z.json; allowed: names that end in .parquet or .csv"],
    )


@pytest.mark.usefixtures("vae")
def test_without_any_usable_image_there_is_no_table() -> None:
    lines, errors = encoded("missing.png", to="new/z.csv")
    assert lines == []
    assert errors[1:] == ["1 of 1 images were not encoded"]
    assert not Path("new/z.csv").exists()
    assert encoded("none*")[1] == ["none*: no file matches this pattern"]
    assert not Path("z.parquet").exists()


@pytest.mark.usefixtures("vae")
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_full_disk_leaves_no_file(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw("a.png")
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: Any) -> Any:
        if "w" not in mode:
            return opened(path, mode, **options)
        return opened(Path("/dev/full"), mode, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match=f"{os.strerror(errno.ENOSPC)}: .*z.{ending}"):
        encoded("a.png", to=f"z.{ending}")
    assert [path.name for path in Path.cwd().iterdir() if path.name.endswith("part")] == []
    assert not Path(f"z.{ending}").exists()


@pytest.mark.usefixtures("vae")
def test_an_untrained_variant_is_an_error() -> None:
    lines, errors = run(encode, "encode", "mnist/vea", "a.png", "--to", "z.csv")
    assert lines == []
    assert errors == [
        "found 'mnist/vea', which is not trained; did you mean 'mnist/vae'?; allowed: mnist/vae, "
        "or train it first"
    ]
