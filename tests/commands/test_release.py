from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from autoencoders import files, paths, ready
from autoencoders.application.find_variant import load
from autoencoders.application.onnx_network import ready_coder, ready_network
from autoencoders.commands import models, release
from autoencoders.datasets.prepared import Prepared
from autoencoders.evaluation.image_quality import of_predictions
from autoencoders.site import packaged_images
from tests.saved import run, saved

CARD = ("--data", "60 blobs", "--licence", "free", "--limits", "only blobs")


@pytest.fixture(autouse=True)
def _repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor]
) -> None:
    """Save an evaluated VAE, and replace the folder of the ready networks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ready, "FOLDER", tmp_path / "ready")
    images = blobs(20, (1, 28, 28))
    monkeypatch.setattr(Prepared, "images", lambda prepared, split: images)
    monkeypatch.setattr(Prepared, "labels", lambda prepared, split: torch.arange(20) % 2)
    monkeypatch.setattr(Prepared, "metadata", SimpleNamespace(class_names=("round", "square")))
    saved("mnist", (1, 28, 28), "vae")
    evaluate()


@torch.no_grad()
def evaluate(**changed: Any) -> None:
    """Write the metrics of the VAE."""
    trained = load("mnist/vae")
    found = of_predictions(trained.model, trained.pairs("test"))
    identity = {"dataset": "mnist", "variant": "vae", "source": "stand-in", "n_images": 20}
    digest = files.digest(trained.folder / paths.WEIGHTS)
    content = {**identity, **found, "yardsticks": {}, "model_sha256": digest, **changed}
    files.write_json(paths.metrics("mnist", "vae"), content)


def released(*arguments: str) -> tuple[list[str], list[str]]:
    return run(release, "release", "mnist/vae", *CARD, *arguments)


@pytest.mark.slow
@torch.no_grad()
def test_a_released_variant_is_a_ready_network() -> None:
    (line,), errors = released("--as", "blobs")
    assert errors == []
    assert line.startswith("blobs: float16, 1.6")
    assert ready.names() == ["blobs"]
    card = ready.card("blobs")
    assert (card.data, card.licence, card.limits) == ("60 blobs", "free", "only blobs")
    assert (card.task, card.any_size, card.test_images) == ("VAE, 2 numbers", False, 20)
    assert card.latent is not None
    assert (card.latent.size, card.latent.prior) == (2, "standard_normal")

    shown = packaged_images.load("mnist")
    assert shown is not None
    assert (shown.classes, shown.class_names) == ([0] * 10 + [1] * 10, ["round", "square"])
    images = load("mnist/vae").data.images("test").numpy()
    np.testing.assert_array_equal(shown.images, np.concatenate([images[::2], images[1::2]]))

    model = load("mnist/vae").model
    image = np.random.default_rng(0).random((1, 1, 28, 28), np.float32)
    codes = model.encode(torch.from_numpy(image))
    np.testing.assert_allclose(ready_coder("blobs").encode(image), codes, atol=1e-3)
    output = model.decode(codes).sigmoid()
    np.testing.assert_allclose(ready_network("blobs").run(image[0], True), output[0], atol=1e-3)

    table, _ = run(models, "models")
    assert [line.split("  ")[0] for line in table] == ["NAME", "blobs", "mnist/vae"]
    card_lines, _ = run(models, "models", "blobs")
    assert "licence: free" in card_lines
    assert "params.variant.model.latent_size: 2" in card_lines


def test_the_table_has_the_metrics_of_these_weights_only() -> None:
    assert run(models, "models")[0][-1].split()[-3] == "dB"
    evaluate(model_sha256="0")
    assert run(models, "models")[0][-1].split()[-3] == "–"


@pytest.mark.slow
@pytest.mark.parametrize("size", [1000, 1e9])  # 16 bits round the first to halves
def test_weights_have_32_bits_where_16_change_the_metric(size: float) -> None:
    trained = load("mnist/vae")
    state = trained.networks.state_dict()
    state["model.decoder.0.weight"][0], state["model.decoder.0.bias"][0] = 0, 1
    state["model.decoder.2.weight"][:, 0] = -size - 0.3  # the bias of all pixels, nearly
    state["model.decoder.2.bias"] += size + 0.2
    save_file(state, trained.folder / paths.WEIGHTS)
    evaluate()
    lines, errors = released()
    assert errors == []
    (line,) = lines
    assert line.startswith("vae: float32, 3.2")


@pytest.mark.parametrize(
    ("changed", "arguments", "message"),
    [
        ({}, ("--as", "my-vae"), "--as: found 'my-vae'; allowed: letters, digits and _, such as "),
        ({"model_sha256": "0"}, (), "reports/metrics/mnist/vae.json is not about these weights: "),
        ({"psnr": "high"}, (), "reports/metrics/mnist/vae.json is unreadable (psnr: "),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    changed: dict[str, Any], arguments: tuple[str, ...], message: str
) -> None:
    evaluate(**changed)
    lines, (error,) = released(*arguments)
    assert lines == []
    assert error.startswith(message)
    assert not ready.FOLDER.exists()
