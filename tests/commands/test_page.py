"""The folder that `autoencoders page` writes."""

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from autoencoders import ready
from autoencoders.application import onnx_network
from autoencoders.commands import page
from autoencoders.datasets.prepared import Prepared
from autoencoders.site import networks, runtime
from autoencoders.trained.variant import Trained
from tests.saved import run, saved


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out a folder like onnxruntime-web's; files of networks have a text instead of content."""
    monkeypatch.chdir(tmp_path)
    Path("dist").mkdir()
    for name in runtime.FILES:
        Path("dist", name).write_text(name)

    def to_onnx(trained: Trained, part: str) -> bytes:
        return f"{part} of {trained.name}".encode()

    monkeypatch.setattr(networks, "to_onnx", to_onnx)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the prepared test images."""
    images = torch.randint(0, 256, (30, 1, 28, 28), dtype=torch.uint8)
    monkeypatch.setattr(Prepared, "images", lambda prepared, split: images)
    monkeypatch.setattr(Prepared, "labels", lambda prepared, split: torch.arange(30) % 3)
    monkeypatch.setattr(Prepared, "metadata", SimpleNamespace(class_names=("a", "b", "c")))


def written(*variants: str) -> dict[str, Any]:
    """Write the page; return its description of the networks."""
    lines, errors = run(page, "page", *variants, "--to", "out/site", "--runtime", "dist")
    assert errors == []
    assert lines[0] == "site"
    size = sum(path.stat().st_size for path in Path("out/site").rglob("*") if path.is_file())
    serve = f"python -m http.server -d {Path('out/site').absolute()}"
    assert lines[1] == f"{size / 1e6:.1f} MB; serve it: {serve}"
    content: dict[str, Any] = json.loads(Path("out/site/networks.json").read_text())
    return content


@pytest.mark.usefixtures("prepared")
def test_the_folder_has_all_that_the_page_loads() -> None:
    for name in ("vae", "conv", "superres"):
        saved("mnist", (1, 28, 28), name)
    content = written("mnist/vae", "mnist/conv", "mnist/superres", "mnist/vae")
    assert [network["name"] for network in content["networks"]] == [
        "mnist/vae",
        "mnist/conv",
        "mnist/superres",
    ]
    files = {path.relative_to("out/site").as_posix() for path in Path("out/site").rglob("*.*")}
    models = {name for network in content["networks"] for name in network["files"]}
    libraries = {f"runtime/{name}" for name in (*runtime.FILES, "ThirdPartyNotices.txt")}
    assert files == {
        *("index.html", "index.css", "index.js", "common.css", "drawing.js", "plane.js"),
        *("networks.json", "mnist.png"),
        *models,
        *libraries,
    }
    assert "MIT License" in Path("out/site/runtime/LICENSE").read_text()
    assert Path("out/site/mnist-vae-decoder.onnx").read_bytes() == b"decoder of mnist/vae"
    vae, conv, superres = content["networks"]
    assert vae["title"] == "Variational autoencoder"
    assert vae["sentence"].startswith("It compresses 784 pixels into 2 numbers")
    assert vae["plane"]["directions"] == [[1, 0], [0, 1]]
    assert len(conv["plane"]["points"]) == 30
    assert len(superres["input"]["matrix"]) == 14
    assert content["datasets"]["mnist"]["examples"] == [0, 1, 2, 3, 4]


def test_only_an_earlier_page_is_replaced() -> None:
    saved("mnist", (1, 28, 28), "ae2d")
    Path("out/site").mkdir(parents=True)
    written("mnist/ae2d")
    saved("mnist", (1, 28, 28), "vae")
    written("mnist/vae")
    assert not Path("out/site/mnist-ae2d-encoder.onnx").exists()
    Path("out/site/.git").mkdir()
    for name in (".git/HEAD", "CNAME"):
        Path("out/site", name).touch()
    before = sorted(Path("out/site").rglob("*"))
    lines, (error,) = run(page, "page", "mnist/ae2d", "--to", "out/site", "--runtime", "dist")
    assert lines == []
    assert error == (
        f"--to: found other files in {Path('out/site').absolute()}: .git/HEAD, CNAME; allowed: a "
        "new folder, an empty one or a page"
    )
    assert sorted(Path("out/site").rglob("*")) == before


def test_without_test_images_only_a_plane_of_two_numbers_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ready, "FOLDER", Path("none"))
    for name in ("ae2d", "conv"):
        saved("mnist", (1, 28, 28), name)
    content = written("mnist/ae2d", "mnist/conv")
    assert content["datasets"] == {}
    planes = [network["plane"] for network in content["networks"]]
    assert planes[0]["limits"] == [[-3, 3], [-3, 3]]
    assert planes[1] is None


def test_ready_networks_need_no_repository() -> None:
    content = written("mnist_vae", "mnist_denoise")
    vae, denoise = content["networks"]
    assert vae["files"] == ["mnist_vae-encoder.onnx", "mnist_vae-decoder.onnx"]
    assert denoise["files"] == ["mnist_denoise-network.onnx"]
    assert content["datasets"]["mnist"]["class_names"] == list("0123456789")
    assert len(vae["plane"]["points"]) == 100
    image = np.random.default_rng(0).random((1, 1, 28, 28), np.float32)
    for network in content["networks"]:
        values = image
        for file in network["files"]:
            compute, _ = onnx_network.load(Path("out/site", file))
            values = compute(values)
        expected = onnx_network.ready_network(network["name"])(image[0])
        np.testing.assert_allclose(values[0], expected, atol=1e-5)


def refusal(*arguments: str) -> str:
    lines, (error,) = run(page, "page", *arguments, "--to", "out/site")
    assert lines == []
    assert not Path("out/site").exists()
    return error


def test_variants_of_other_images_are_refused() -> None:
    saved("photos", (3, 32, 16), "superres")
    assert refusal("photos/superres", "--runtime", "dist") == (
        "photos/superres: found colour images of 16×32 pixels; allowed: networks for grey "
        "images of 28×28 pixels, such as those of mnist"
    )


def test_a_missing_runtime_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    saved("mnist", (1, 28, 28), "vae")
    assert refusal("mnist/vae", "--runtime", "no").startswith("--runtime: found")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert refusal("mnist/vae") == (
        f"the page needs npm, which downloads {runtime.PACKAGE}: install Node.js, or name a folder "
        "with its files: --runtime FOLDER"
    )
    monkeypatch.setattr(shutil, "which", lambda name: name)

    def fail(*arguments: Any, **options: Any) -> None:
        raise subprocess.CalledProcessError(1, "npm", stderr="npm error\nnpm error no network\n")

    monkeypatch.setattr(subprocess, "run", fail)
    assert "(npm error npm error no network): try again, or" in refusal("mnist/vae")
