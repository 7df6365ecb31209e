"""ONNX files: onnxruntime computes what PyTorch computes."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor

from autoencoders import paths
from autoencoders.application.find_variant import load
from autoencoders.application.torch_network import NetworkBuilder, find_geometry
from autoencoders.commands import export
from autoencoders.trained import variant
from autoencoders.trained.variant import Trained
from autoencoders.training.settings import Variant
from autoencoders.variants.models import MODELS
from tests.saved import example, run, saved

CLEAN = {"kind": "clean"}
NOISY = {"kind": "noisy", "mean": 0.0, "std": 0.1, "clamp": False}
HALVED = {"kind": "downsampled", "factor": 2, "reduction": "average"}
CONV = {"encoder_channels": [8, 4], "decoder_channels": [4, 8]}
# For each kind of model: an input, the other keys of the model, and the image's height and width.
EXAMPLES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[int, int]]] = {
    "conv_ae": (CLEAN, CONV, (11, 16)),  # the decoder crops a row
    "conv_vae": (CLEAN, {**CONV, "latent_size": 3, "upsampling": "transposed"}, (11, 16)),
    "mlp_ae": (CLEAN, {"hidden": [16], "latent_size": 3}, (12, 16)),
    "mlp_vae": (CLEAN, {"hidden": [16], "latent_size": 3}, (12, 16)),
    "pca_ae": (CLEAN, {"latent_size": 3, "hidden": 16, "width": 8, "blocks": 1}, (12, 16)),
    "residual": (NOISY, {"width": 8, "blocks": 1, "unshuffle": 2, "depthwise": 3}, (12, 16)),
    "residual_vae": (CLEAN, {"width": 16, "blocks": 1, "latent_size": 3}, (12, 16)),
    "super_resolution": (HALVED, {"width": 8, "blocks": 1}, (12, 16)),
}


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(kind: str, channels: int) -> Trained:
    """Save a variant with random weights as `mnist/<kind>`, so that all layers have an effect."""
    if kind not in EXAMPLES:
        pytest.fail(f"the model {kind} is new: add an example of it to EXAMPLES")
    input, model, size = EXAMPLES[kind]
    like = example("vae_tutorial" if "vae" in kind else "superres_mse").model_dump(mode="json")
    parts = like | {"input": input, "model": {"kind": kind, **model}}
    source = (1, "stand-in", "0" * 64, (channels, *size))
    description = variant.Description("mnist", kind, *source, Variant.model_validate(parts))
    assembled = variant.build(description)
    random = torch.Generator().manual_seed(0)
    for parameter in assembled.model.parameters():
        deviation = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3
        parameter.data.normal_(std=deviation, generator=random)
    variant.save(paths.model("mnist", kind), description, assembled, [])
    return load(f"mnist/{kind}")


def exported(kind: str, part: str) -> onnxruntime.InferenceSession:
    to = f"out/{part}.onnx"
    arguments = ("export", f"mnist/{kind}", "--part", part, "--to", to)
    assert run(export, *arguments) == ([f"{part}.onnx"], [])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(to, options)


def require_equal(session: onnxruntime.InferenceSession, given: Tensor, expected: Tensor) -> None:
    (name,) = (entry.name for entry in session.get_inputs())
    (found,) = session.run(None, {name: given.numpy()})
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4, rtol=0)


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", MODELS)
def test_a_network_computes_the_same_at_all_its_sizes(kind: str, channels: int) -> None:
    trained = save(kind, channels)
    session = exported(kind, "network")
    _, height, width = trained.input_shape
    inputs = torch.rand(3, channels, height, width)
    require_equal(session, inputs, trained.model(inputs))
    require_equal(session, inputs[:1], trained.model(inputs[:1]))
    builder = NetworkBuilder(trained.description.variant.model, trained)
    metadata = session.get_modelmeta().custom_metadata_map
    if (geometry := find_geometry(builder)) is None:
        assert "multiple" not in metadata
        assert session.get_inputs()[0].shape == ["batch", channels, height, width]
        return
    stride = int(metadata["multiple"])
    assert stride == geometry.stride
    for rows, columns in [(-1, 0), (5, 2), (0, 40)]:
        size = height + rows * stride, width + columns * stride
        larger = torch.rand(2, channels, *size)
        require_equal(session, larger, builder.build(*size)(larger))


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("kind", MODELS)
def test_encoder_and_decoder_compute_the_same(kind: str) -> None:
    model = save(kind, 3)
    grown = {"conv_ae": 4, "residual": 6, "super_resolution": 5}.get(kind, 0)
    _, height, width = model.input_shape
    sizes = (height, width), (height + grown, width + 2 * grown)
    builder = NetworkBuilder(model.description.variant.model, model)
    encoder, decoder = exported(kind, "encoder"), exported(kind, "decoder")
    for size in sizes:
        inputs, network = torch.rand(2, 3, *size), builder.build(*size)
        latent = network.encode(inputs)
        require_equal(encoder, inputs, latent)
        require_equal(decoder, latent, network.decode(latent).sigmoid())


@pytest.mark.slow
def test_a_file_describes_itself() -> None:
    save("residual", 3)
    session = exported("residual", "encoder")
    (image,), (latent,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.shape) == ("image", ["batch", 3, "2*rows", "2*columns"])
    assert (latent.name, latent.shape) == ("latent", ["batch", 20, "rows", "columns"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata.pop("input")) == NOISY
    content = Path("models/mnist/residual/model.safetensors").read_bytes()
    assert metadata == {
        "dataset": "mnist",
        "variant": "residual",
        "part": "encoder",
        "model": "residual",
        "input_shape": "[3, 12, 16]",
        "image_shape": "[3, 12, 16]",
        "latent_shape": "[20, 6, 8]",
        "channels": "3",
        "multiple": "2",
        "reach": "7",
        "seed": "1",
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "autoencoders_version": version("autoencoders"),
    }
    onnx.checker.check_model(onnx.load("out/encoder.onnx"), full_check=True)
    assert b".py" not in Path("out/encoder.onnx").read_bytes()  # paths of this machine


@pytest.mark.slow
def test_a_file_replaces_an_earlier_export_and_nothing_else() -> None:
    save("mlp_vae", 1)
    exported("mlp_vae", "decoder")
    content = Path("out/decoder.onnx").read_bytes()
    exported("mlp_vae", "decoder")
    assert Path("out/decoder.onnx").read_bytes() == content
    arguments = ("export", "mnist/mlp_vae", "--to", "out/decoder.onnx")
    for _ in ("other part", "no ONNX file"):
        lines, (error,) = run(export, *arguments)
        assert lines == []
        assert error == (
            f"--to: found {Path('out/decoder.onnx').absolute()}, which is not an earlier export "
            "of the network of mnist/mlp_vae; allowed: a new file"
        )
        assert Path("out/decoder.onnx").read_bytes() == content
        content = b"mine"
        Path("out/decoder.onnx").write_bytes(content)


def test_wrong_arguments_are_errors(capsys: pytest.CaptureFixture[str]) -> None:
    saved("mnist", (1, 28, 28), "vae")
    assert run(export, "export", "mnist/vae", "--to", "vae.pt") == (
        [],
        ["--to: found vae.pt; allowed: names that end in .onnx"],
    )
    _, (error,) = run(export, "export", "mnist/vea", "--to", "vae.onnx")
    assert error.startswith("found 'mnist/vea', which is not trained; did you mean 'mnist/vae'?")
    Path("file").touch()
    _, (error,) = run(export, "export", "mnist/vae", "--to", "file/vae.onnx")
    assert error.startswith("--to: found")
    with pytest.raises(SystemExit):
        run(export, "export", "mnist/vae", "--to", "vae.onnx", "--part", "middle")
    assert "choose from" in capsys.readouterr().err
    assert not Path("vae.onnx").exists()
