"""The networks in the package: their files, their cards, and what commands make of them."""

import gzip
import sys
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from autoencoders import files, ready
from autoencoders.application import choose, torch_network
from autoencoders.application import network as networks
from autoencoders.application.onnx_network import load, ready_coder, ready_network
from autoencoders.datasets import folders
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.datasets.image_files import ImageExtractor
from autoencoders.datasets.prepare import prepare
from autoencoders.datasets.prepared import Prepared
from autoencoders.evaluation.image_quality import of_predictions
from autoencoders.images.picture import Floats
from autoencoders.trained import variant
from autoencoders.trained.pairs import pairs
from autoencoders.variants.assembly import Assembled
from benchmarks import copies

MOST_BYTES = 15_000_000  # of all files together
OFFICIAL = [name for name in ready.names() if ready.card(name).params["dataset"] in DATASETS]


@cache
def in_torch(name: str) -> Assembled:
    """Return a ready network in PyTorch, with the weights of its safetensors file."""
    assembled = variant.build(variant.ADAPTER.validate_python(ready.card(name).params))
    assembled.networks.load_state_dict(load_file(ready.weights_path(name)))
    assembled.networks.eval().requires_grad_(False)
    return assembled


def images_for(name: str) -> Floats:
    return np.random.default_rng(0).random((3, *ready.card(name).input_shape), np.float32)


def test_the_files_together_are_small() -> None:
    sizes = [path.stat().st_size for path in ready.FOLDER.rglob("*.*")]
    assert sum(sizes) < MOST_BYTES


@pytest.mark.parametrize("name", ready.names())
def test_a_card_has_the_digests_of_all_files(name: str) -> None:
    found = {path.name: files.digest(path) for path in ready.folder(name).iterdir()}
    del found[ready.CARD]
    assert ready.card(name).sha256 == found
    weights = load_file(ready.weights_path(name))
    assert {str(value.dtype) for value in weights.values()} == {f"torch.{ready.card(name).weights}"}


@pytest.mark.parametrize("name", ready.names())
def test_onnxruntime_and_pytorch_agree(name: str) -> None:
    model, images = in_torch(name).model, images_for(name)
    network = ready_network(name)
    assert (network.name, network.source, network.channels) == (name, name, images.shape[1])
    outputs = np.stack([network.run(image, True) for image in images])
    np.testing.assert_allclose(outputs, model(torch.from_numpy(images)), atol=1e-3)


@pytest.mark.parametrize("name", [name for name in ready.names() if ready.card(name).latent])
def test_both_halves_agree_with_pytorch(name: str) -> None:
    model, coder, images = in_torch(name).model, ready_coder(name), images_for(name)
    latents = coder.encode(images)
    assert latents.shape == (3, *coder.latent_shape) == (3, *model.latent_shape)
    expected = model.encode(torch.from_numpy(images))
    np.testing.assert_allclose(latents, expected, atol=1e-3)
    np.testing.assert_allclose(coder.decode(latents), model.decode(expected).sigmoid(), atol=1e-3)


@pytest.mark.service  # seconds for each network
@pytest.mark.parametrize("name", OFFICIAL)
def test_the_psnr_of_the_card_is_that_of_the_official_test_images(name: str) -> None:
    card = ready.card(name)
    folder = mirror() / DATASETS[card.params["dataset"]].folder
    if not folder.is_dir():
        pytest.skip("needs the official files")
    compressed = (folder / "t10k-images-idx3-ubyte.gz").read_bytes()
    content = np.frombuffer(gzip.decompress(compressed), np.uint8, offset=16)
    check_psnr(name, torch.from_numpy(content.reshape(-1, *card.image_shape).copy()))


@pytest.mark.service
def test_the_psnr_of_a_card_is_that_of_the_test_photographs(tmp_path: Path) -> None:
    archive = mirror() / "photos/train400.tar"
    if not archive.is_file():
        pytest.skip("needs the photographs of DnCNN")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    photographs = sorted((tmp_path / "Train400").iterdir(), key=number)
    for part, members in (("test", photographs[360:]), ("train", photographs[:360])):
        (tmp_path / "photos" / part).mkdir(parents=True)
        for path in members:
            path.rename(tmp_path / "photos" / part / path.name)
    extractor = ImageExtractor(48, channels=1, per_image=150, turned=True)
    source, raw = tmp_path / "photos", tmp_path / "raw"
    folders.fetch(
        "photos", source, raw, title="photos", extractor=extractor, test_fraction=None, seed=1
    )
    metadata = prepare(raw, tmp_path / "prepared", 0.9, 1)
    images = Prepared(tmp_path / "prepared").images("test")
    for name in {*ready.names()} - {*OFFICIAL}:
        assert ready.card(name).params["data_sha256"] == metadata.sha256
        check_psnr(name, images)


def mirror() -> Path:
    """Return the folder of a mirror on this machine."""
    return Path(copies.official_mirror().get("DATASET_MIRROR", "no mirror"))


def number(path: Path) -> int:
    """Return 17 for test_017.png."""
    return int(path.stem.removeprefix("test_"))


def check_psnr(name: str, images: torch.Tensor) -> None:
    """Check the PSNR of a card against that of its ONNX file for test images."""
    card = ready.card(name)
    compute, _ = load(ready.onnx_path(name))

    def predict(inputs: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(compute(inputs.numpy()))

    found = of_predictions(predict, pairs(in_torch(name).input, images, 1, "test", variant.BATCH))
    assert card.test_images == len(images)
    assert found["psnr"] == pytest.approx(card.metrics["psnr"], abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "levels"), [("mnist_denoise", 9), ("photo_denoise", 2)])
def test_large_images_of_8_bits_are_computed_with_pytorch_where_this_is_faster(
    name: str, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 60), np.uint8)
    monkeypatch.setattr(networks, "LARGE", 40 * 60)
    monkeypatch.setattr(torch_network, "has_bfloat16", lambda _: True)
    mixed, exact = (choose.network(name, kind) for kind in ("auto", "float32"))
    expected = exact(image, 8, exact=False)
    found = mixed(image, 8, exact=False)
    np.testing.assert_allclose(found.astype(int), expected, atol=levels, rtol=0)
    assert (found != expected).any()  # bfloat16 has fewer digits
    assert np.array_equal(mixed(image, 8, exact=True), expected)
    assert np.array_equal(mixed(image[:, 1:], 8, exact=False), exact(image[:, 1:], 8))


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["bfloat16", "torch"])
def test_large_images_are_computed_with_onnxruntime_without_bfloat16_and_without_torch(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 60), np.uint8)
    expected = choose.network("mnist_denoise", "float32")(image, 8, exact=False)
    monkeypatch.setattr(networks, "LARGE", 40 * 60)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    if missing == "torch":  # an import of None raises ModuleNotFoundError
        monkeypatch.setitem(sys.modules, torch_network.__name__, None)
    else:
        monkeypatch.setattr(torch_network, "has_bfloat16", lambda _: False)
    found = choose.network("mnist_denoise", "auto")(image, 8, exact=False)
    assert np.array_equal(found, expected)
