"""`apply` with an exported file gives what the trained variant gives."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoencoders.application import network as networks
from autoencoders.application.find_variant import load
from autoencoders.application.onnx_network import onnx_network
from autoencoders.application.torch_network import trained_network
from autoencoders.commands import apply, export
from autoencoders.errors import UserError
from tests.saved import run, saved


@pytest.fixture(autouse=True)
def _saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28))


def exported(name: str, *options: str) -> Path:
    assert run(export, "export", name, *options, "--to", "out/a.onnx") == (["a.onnx"], [])
    return Path("out/a.onnx")


@pytest.mark.slow
def test_the_output_is_that_of_the_trained_variant_in_tiles_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, expected = (
        onnx_network(exported("mnist/superres")),
        trained_network(load("mnist/superres")),
    )
    assert (found.name, found.source, found.geometry) == (
        expected.name,
        expected.source,
        expected.geometry,
    )
    image = np.random.default_rng(0).random((1, 41, 83), np.float32)
    monkeypatch.setattr(networks, "TILE_SIDE", 16)
    np.testing.assert_allclose(found(image), expected(image), atol=1e-5)


@pytest.mark.slow
def test_apply_takes_an_exported_file() -> None:
    exported("mnist/superres")
    Image.new("L", (14, 14), 99).save("small.png")
    written = run(apply, "apply", "out/a.onnx", "small.png", "--to", "out")
    assert written == (["small-superres.png"], [])


@pytest.mark.slow
def test_other_files_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"^b\.onnx: there is no such file$"):
        onnx_network(Path("b.onnx"))
    Path("b.onnx").write_bytes(b"no network")
    with pytest.raises(UserError, match=r"^b\.onnx cannot be used \(.*export`$"):
        onnx_network(Path("b.onnx"))
    with pytest.raises(UserError, match="has only the encoder"):
        onnx_network(exported("mnist/superres", "--part", "encoder"))
