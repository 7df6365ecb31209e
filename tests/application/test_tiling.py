"""Networks on images of any size, whole and in tiles, and networks for one size."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from autoencoders.application import network as networks
from autoencoders.application.network import Network
from autoencoders.application.tiling import Geometry, split_axis
from autoencoders.application.torch_network import NetworkBuilder, network_of
from autoencoders.images.picture import Floats, UnusableImage
from autoencoders.param_types import ImageShape
from autoencoders.variants.assembly import Assembled, Parts
from autoencoders.variants.models import MODELS
from tests.examples import CLEAN, HALVED, example_model
from tests.subjects import untrained

IMAGE: ImageShape = (1, 28, 28)
CONV = {"kind": "conv_ae", "encoder_channels": [8, 4, 4], "decoder_channels": [4, 4, 8]}
RESIDUAL = {"kind": "residual", "width": 8, "blocks": 2}
NOISY = {"kind": "noisy", "mean": 0.0, "std": 0.1}
VARIATIONAL = {"kind": "variational", "likelihood": "bernoulli"}
UPSAMPLINGS = ("nearest", "bilinear", "transposed")
UP = {"kind": "conv_ae", "encoder_channels": [8, 4], "decoder_channels": [4, 4, 8]}


def network(input: dict[str, Any], model: dict[str, Any], image_shape: ImageShape) -> Network:
    """Return an untrained network for `apply`."""
    return applied(assembly(input, model, image_shape), model)


def assembly(input: dict[str, Any], model: dict[str, Any], image_shape: ImageShape) -> Assembled:
    """Return a variant with random weights: all layers have an effect, and no image saturates."""
    assembled = untrained(parts(input, model), image_shape)
    random = torch.Generator().manual_seed(0)
    gain = 0.3 if model["kind"] == "pca_ae" else 1  # its last layers give pixels, not logits
    for parameter in assembled.model.parameters():
        deviation = gain * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3
        parameter.data.normal_(std=deviation, generator=random)
    return assembled


def parts(input: dict[str, Any], model: dict[str, Any]) -> Parts:
    objectives = ({"kind": "reconstruction", "loss": "mse"}, VARIATIONAL)
    objective = objectives["vae" in model["kind"]]
    return Parts.model_validate({"input": input, "model": model, "objective": objective})


def applied(assembled: Assembled, model: dict[str, Any]) -> Network:
    return network_of("test", "test/test", builder(assembled, model), torch.device("cpu"))


def builder(assembled: Assembled, model: dict[str, Any]) -> NetworkBuilder:
    return NetworkBuilder(parts(CLEAN, model).model, assembled)


def noise(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).random(shape, np.float32)


def tiling_error(net: Network, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> float:
    """Return the largest difference between the outputs with and without tiles."""
    image = noise(net.channels, *size)
    whole = net(image)
    assert np.ptp(whole) > 0.01 or image.size == 1
    assert whole.shape == (net.channels, *(net.factor * length for length in size))
    with monkeypatch.context() as small:
        small.setattr(networks, "TILE_SIDE", 16)
        return float(np.abs(net(image) - whole).max())


def examples() -> list[Any]:
    """Return inputs, models and image sizes: one example of every model, and special cases."""
    special = [
        *((f"doubled by {kind}", CLEAN, CONV | {"upsampling": kind}, 28) for kind in UPSAMPLINGS),
        ("of a power of two", CLEAN, CONV, 32),
        ("that crops", CLEAN, CONV, 30),
        ("that enlarges", HALVED, UP, 28),
        ("of an odd size", CLEAN, CONV, 27),
        *((f"unshuffled by {n}", NOISY, RESIDUAL | {"unshuffle": n}, 30) for n in (1, 2, 3)),
        ("depthwise", NOISY, RESIDUAL | {"unshuffle": 2, "depthwise": 5}, 30),
    ]
    cases = [(kind, *example_model(kind, IMAGE), 28) for kind in MODELS] + special
    return [pytest.param(input, model, size, id=name) for name, input, model, size in cases]


@pytest.mark.parametrize(("input", "model", "size"), examples())
def test_tiles_equal_the_whole_image_or_other_sizes_are_an_error(
    input: dict[str, Any], model: dict[str, Any], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(input, model, (1, size, size))
    if net.geometry is None:
        assert model["kind"] in ("conv_vae", "mlp_ae", "mlp_vae", "pca_ae", "residual_vae")
        with pytest.raises(
            UnusableImage, match=r"^30×29 pixels; this variant takes 28×28; resize it, or"
        ):
            net(noise(1, 29, 30))
        return
    for other in ((1, 1), (1, 300), (97, 131), (128, 64), (150, 45)):
        assert tiling_error(net, other, monkeypatch) <= 1e-5


@pytest.mark.parametrize(("input", "model", "size"), examples())
def test_at_the_trained_size_the_output_equals_the_trained_network_s(
    input: dict[str, Any], model: dict[str, Any], size: int
) -> None:
    assembled = assembly(input, model, (1, size, size))
    net = applied(assembled, model)
    image = noise(*net.input_shape)
    expected = assembled.model(torch.from_numpy(image)[None])[0]
    np.testing.assert_array_equal(net(image), expected.numpy())


def test_a_network_for_one_size_gets_the_whole_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "TILE_SIDE", 4)
    shapes = []

    def run(tile: Floats, exact: bool) -> Floats:
        shapes.append(tile.shape)
        return tile

    one_size = Network("test", "test", (1, 9, 7), (1, 9, 7), run)
    image = noise(1, 9, 7)
    assert np.array_equal(one_size(image), image)
    assert shapes == [(1, 9, 7)]


def test_slip_a_reach_that_is_too_short_changes_the_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(CLEAN, CONV, IMAGE)
    found = net.geometry
    assert found is not None
    shorter = replace(net, geometry=Geometry(found.stride, found.reach - 2 * found.stride))
    assert tiling_error(shorter, (97, 131), monkeypatch) > 1e-4


def test_stride_and_reach_agree_with_the_layers() -> None:
    """The encoder's reach is 7 + 8 pixels; the decoder's is 7 or more."""
    found = network(CLEAN, CONV, (1, 32, 32)).geometry
    assert found is not None
    assert found.stride == 8
    assert 1 + 2 + 4 + 7 <= found.reach <= 64
    deeper = network(CLEAN, CONV | {"encoder_channels": [8, 4], "decoder_channels": [4, 8]}, IMAGE)
    assert deeper.geometry is not None
    assert deeper.geometry.stride == 4


@pytest.mark.parametrize("size", [1, 27, 28, 100, 1000])
@pytest.mark.parametrize(("stride", "reach"), [(1, 0), (1, 11), (8, 25), (3, 7)])
def test_segments_keep_every_row_once_and_respect_stride_and_reach(
    size: int, stride: int, reach: int
) -> None:
    found = list(split_axis(size, 28, 64, Geometry(stride, reach)))
    kept = [row for segment in found for row in range(segment.kept_from, segment.kept_to)]
    assert kept == list(range(size))
    assert [segment.start % stride for segment in found] == [0] * len(found)
    assert [(segment.length - 28) % stride for segment in found] == [0] * len(found)
    assert found[-1].stop - size < stride
    for segment in found:
        assert segment.start == 0 or segment.kept_from - segment.start >= reach
        assert segment.stop >= size or segment.stop - segment.kept_to >= reach
