"""The models: the sizes of the specification, and one contract for every registered model."""

from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from autoencoders.param_types import ImageShape
from autoencoders.randomness import Noise
from autoencoders.variants.assembly import Assembled, Parts, assemble
from autoencoders.variants.models import MODELS
from autoencoders.variants.models.base import (
    Autoencoder,
    VariationalAutoencoder,
    initialize_kaiming,
)
from autoencoders.variants.models.convolutional import DoublingConv
from autoencoders.variants.models.residual_mlp import LinearBlock
from autoencoders.variants.objectives import OBJECTIVES
from tests import examples
from tests.examples import example_parts, fitting_model

Pictures = Callable[..., Tensor]

GREY = (1, 28, 28)
CONV = {"encoder_channels": [16, 8, 8], "decoder_channels": [8, 8, 16], "upsampling": "nearest"}
SUPERRES = CONV | {"encoder_channels": [16, 8]}
VAE = {"hidden": [512], "latent_size": 2}
AAE = {"hidden": [1000, 1000, 1000], "latent_size": 150}


def build(
    kind: str,
    arguments: dict[str, Any],
    input_shape: ImageShape = GREY,
    image_shape: ImageShape = GREY,
) -> Autoencoder:
    torch.manual_seed(0)
    return MODELS[kind](input_shape=input_shape, image_shape=image_shape, **arguments)


def parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def convolutions(*widths: int) -> int:
    """Return the number of parameters of 3×3 convolutions between `widths`."""
    return sum(9 * a * b + b for a, b in pairwise(widths))


def linears(*widths: int) -> int:
    """Return the number of parameters of linear layers between `widths`."""
    return sum(a * b + b for a, b in pairwise(widths))


def sizes(module: nn.Module, x: Tensor) -> list[tuple[int, ...]]:
    """Return the input shapes of the layers of `module` in order, and the output shape."""
    shapes: list[tuple[int, ...]] = []
    layers = [layer for layer in module.modules() if not list(layer.children())]
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape[1:])))
        for layer in layers
    ]
    shapes.append(tuple(module(x).shape[1:]))
    for hook in hooks:
        hook.remove()
    return shapes


# --- the sizes of the specification


def test_the_convolutional_encoder_has_sizes_28_14_7_4() -> None:
    model = build("conv_ae", CONV)
    assert sizes(model.encoder, torch.rand(2, 1, 28, 28)) == [
        *[(1, 28, 28), (16, 14, 14), (8, 7, 7)],
        (8, 4, 4),
    ]
    assert model.latent_shape == (8, 4, 4)


def test_the_super_resolution_encoder_has_sizes_14_7_4() -> None:
    model = build("conv_ae", SUPERRES, input_shape=(1, 14, 14))
    assert sizes(model.encoder, torch.rand(2, 1, 14, 14)) == [(1, 14, 14), (16, 7, 7), (8, 4, 4)]
    assert model(torch.rand(2, 1, 14, 14)).shape == (2, 1, 28, 28)


@pytest.mark.parametrize(
    ("upsampling", "last_input"), [("nearest", (16, 14, 14)), ("transposed", (16, 28, 28))]
)
def test_the_decoder_has_sizes_4_8_16_14_28(
    upsampling: str, last_input: tuple[int, int, int]
) -> None:
    model = build("conv_ae", CONV | {"upsampling": upsampling})
    decoder = model.get_submodule("decoder")
    assert sizes(decoder, torch.rand(2, 8, 4, 4)) == [
        *[(8, 4, 4), (8, 4, 4)],  # a convolution, a doubling
        *[(8, 8, 8), (8, 8, 8)],
        *[(8, 16, 16), (16, 14, 14)],
        last_input,
        (1, 28, 28),
    ]


@pytest.mark.parametrize("size", [(4, 4), (5, 7)])
def test_a_doubling_convolution_equals_an_upsampling_and_a_convolution(
    size: tuple[int, int],
) -> None:
    layer = DoublingConv(6, 3).double()
    x = torch.rand(2, 6, *size, dtype=torch.float64, requires_grad=True)
    doubled = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
    expected = nn.functional.conv2d(doubled, layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected)
    inputs = (x, *layer.parameters())
    weights = torch.rand_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((layer(x) * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
    )


@pytest.mark.parametrize(
    ("kind", "arguments", "input_shape", "expected"),
    [
        (
            *("conv_ae", CONV | {"upsampling": "transposed"}, GREY),
            convolutions(1, 16, 8, 8)
            + convolutions(8, 8, 8, 16)
            + 2 * (4 * 8 * 8 + 8)  # three transposed 2×2 convolutions
            + (4 * 16 * 16 + 16)
            + convolutions(16, 1),
        ),
        (
            *("conv_vae", CONV | {"latent_size": 2}, GREY),
            convolutions(1, 16, 8, 8)
            + 2 * linears(8 * 4 * 4, 2)
            + linears(2, 8 * 4 * 4)
            + convolutions(8, 8, 8, 16)
            + convolutions(16, 1),
        ),
        (
            *("residual_vae", {"width": 10, "blocks": 3, "latent_size": 2, "channels": 6}, GREY),
            linears(784, 10)
            + 3 * (2 * 10 + 2 * linears(10, 10))  # layer norm has a factor and a term per unit
            + (2 * 10 + 2 * linears(10, 2))
            + linears(2, 10)
            + 3 * (2 * 10 + 2 * linears(10, 10))
            + linears(10, 784)
            + convolutions(4, 6, 6, 6, 4),
        ),
        (
            *("residual", {"width": 10, "blocks": 3}, (1, 7, 7)),
            convolutions(1, 10) + 6 * convolutions(10, 10) + convolutions(10, 4 * 4) + 1,
        ),
        (
            *("residual", {"width": 10, "blocks": 3, "unshuffle": 2}, GREY),
            convolutions(4, 10) + 6 * convolutions(10, 10) + convolutions(10, 4) + 1,
        ),
        (
            *("residual", {"width": 10, "blocks": 3, "depthwise": 5}, (1, 7, 7)),
            convolutions(1, 10)
            + 3 * (10 * (25 + 1) + linears(10, 20, 10))
            + convolutions(10, 4 * 4)
            + 1,
        ),
        (
            *("mlp_vae", VAE, GREY),
            linears(784, 512) + 2 * linears(512, 2) + linears(2, 512, 784),
        ),
    ],
    ids=["transposed", "conv_vae", "residual_vae", "residual", "unshuffled", "depthwise", "vae"],
)
def test_models_have_as_many_parameters_as_the_specification_s_layers(
    kind: str, arguments: dict[str, Any], input_shape: ImageShape, expected: int
) -> None:
    assert parameter_count(build(kind, arguments, input_shape)) == expected


def test_the_discriminator_has_widths_150_500_500_500_500_1() -> None:
    objective = OBJECTIVES["adversarial"](
        latent_shape=(150,), discriminator_hidden=[500, 500, 500, 500]
    )
    (discriminator,) = objective.networks().values()
    layers = [x for x in discriminator.children() if isinstance(x, nn.Linear)]
    assert [layer.in_features for layer in layers] == [150, 500, 500, 500, 500]
    assert layers[-1].out_features == 1
    assert parameter_count(discriminator) == linears(150, 500, 500, 500, 500, 1)


def decoder_of_the_specification(mode: str = "nearest") -> list[nn.Module]:
    double = nn.Upsample(scale_factor=2, mode=mode)
    return [
        *[nn.Conv2d(8, 8, 3, padding="same"), nn.ReLU(), double],
        *[nn.Conv2d(8, 8, 3, padding="same"), nn.ReLU(), double],
        *[nn.Conv2d(8, 16, 3), nn.ReLU(), double],
        *[nn.Conv2d(16, 1, 3, padding="same"), nn.Sigmoid()],
    ]


def encoder_of_the_specification() -> list[nn.Module]:
    return [
        *[nn.Conv2d(1, 16, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(16, 8, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(8, 8, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2, padding=1)],
    ]


def conv_of_the_specification() -> nn.Sequential:
    return nn.Sequential(*encoder_of_the_specification(), *decoder_of_the_specification())


def bilinear_of_the_specification() -> nn.Sequential:
    return nn.Sequential(*encoder_of_the_specification(), *decoder_of_the_specification("bilinear"))


def superres_of_the_specification() -> nn.Sequential:
    return nn.Sequential(
        *[nn.Conv2d(1, 16, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(16, 8, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2, padding=1)],
        *decoder_of_the_specification(),
    )


def mlp_of_the_specification() -> nn.Sequential:
    encoder, decoder = [784, 1000, 1000, 1000, 150], [150, 1000, 1000, 1000, 784]
    layers: list[nn.Module] = []
    for widths in (encoder, decoder):
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), nn.ReLU()]
        layers.pop()  # codes and logits have no ReLU
    return nn.Sequential(nn.Flatten(), *layers, nn.Sigmoid(), nn.Unflatten(1, GREY))


@pytest.mark.parametrize(
    ("kind", "arguments", "input_shape", "specified"),
    [
        ("conv_ae", CONV, GREY, conv_of_the_specification),
        ("conv_ae", CONV | {"upsampling": "bilinear"}, GREY, bilinear_of_the_specification),
        ("conv_ae", SUPERRES, (1, 14, 14), superres_of_the_specification),
        ("mlp_ae", AAE, GREY, mlp_of_the_specification),
    ],
    ids=["conv", "bilinear", "superres", "aae"],
)
def test_a_model_computes_the_same_function_as_the_specification(
    kind: str,
    arguments: dict[str, Any],
    input_shape: ImageShape,
    specified: Callable[[], nn.Sequential],
) -> None:
    model, reference = build(kind, arguments, input_shape), specified()
    weights = zip(reference.state_dict(), model.state_dict().values(), strict=True)
    reference.load_state_dict(dict(weights))
    x = torch.rand(4, *input_shape)
    torch.testing.assert_close(model(x), reference(x))
    for network in (model, reference):  # ReLU after the pool has the same gradients too
        network(x).square().mean().backward()
    for found, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, atol=1e-7, rtol=1e-4)


CORRECTED = {"hidden": [32], "latent_size": 4, "channels": 3}


def test_channels_correct_the_logits_by_convolutions_of_blocks_of_pixels() -> None:
    model, latent = build("mlp_ae", CORRECTED), torch.rand(5, 4)
    *linear, refinement = model.decoder.children()
    logits = nn.Sequential(*linear)(latent)

    def convolve(x: Tensor, name: str) -> Tensor:
        layer = refinement.get_submodule(f"correction.{name}")
        return F.conv2d(x, layer.get_parameter("weight"), layer.get_parameter("bias"), padding=1)

    # A channel for each pixel of a 2×2 block: top left, top right, bottom left, bottom right.
    blocks = torch.cat([logits[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
    features = convolve(blocks, "1")
    features = features + convolve(convolve(features, "2.first").relu(), "2.second")
    corrections = convolve(features.relu(), "4").unbind(1)
    expected = logits.clone()
    for correction, (i, j) in zip(corrections, product((0, 1), (0, 1)), strict=True):
        expected[:, 0, i::2, j::2] += correction
    torch.testing.assert_close(model.decode(latent), expected)


@pytest.mark.parametrize("initialization", ["default", "kaiming"])
def test_training_starts_without_the_correction(initialization: str) -> None:
    model, x = build("mlp_ae", CORRECTED), torch.rand(5, *GREY)
    if initialization == "kaiming":
        initialize_kaiming(model)
    plain = build("mlp_ae", CORRECTED | {"channels": None})
    plain.load_state_dict({name: model.state_dict()[name] for name in plain.state_dict()})
    assert not torch.allclose(model(x), plain(x))
    model.start_from((255 * x).byte())
    assert torch.equal(model(x), plain(x))
    model(x).square().mean().backward()
    moved = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    last = {name for name in model.state_dict() if name.startswith("decoder.4.correction.4.")}
    assert moved == {*plain.state_dict(), *last}  # the other layers follow after this update


def test_a_correction_needs_even_sizes() -> None:
    with pytest.raises(ValueError, match=r"found images of 8×7; allowed for this kind: .* of 2$"):
        build("mlp_ae", CORRECTED, (1, 8, 7), (1, 8, 7))


def test_the_vae_s_decoder_and_heads_equal_the_specification_s() -> None:
    model = build("mlp_vae", VAE)
    assert isinstance(model, VariationalAutoencoder)
    state, x = model.state_dict(), torch.rand(4, *GREY)
    hidden = (x.flatten(1) @ state["encoder.0.weight"].T + state["encoder.0.bias"]).clamp(min=0)
    mean, log_variance = model.posterior(x)
    torch.testing.assert_close(mean, hidden @ state["mean.weight"].T + state["mean.bias"])
    expected = hidden @ state["log_variance.weight"].T + state["log_variance.bias"]
    torch.testing.assert_close(log_variance, expected)
    hidden = (mean @ state["decoder.0.weight"].T + state["decoder.0.bias"]).clamp(min=0)
    logits = hidden @ state["decoder.2.weight"].T + state["decoder.2.bias"]
    torch.testing.assert_close(model(x), logits.sigmoid().view(4, *GREY))


def test_a_linear_block_adds_its_layers_of_the_normalised_input() -> None:
    block, x = LinearBlock(5).double(), torch.rand(3, 5, dtype=torch.float64)
    state = block.state_dict()
    for name in ("norm.weight", "norm.bias"):
        state[name].uniform_()
    scaled = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    hidden = scaled * state["norm.weight"] + state["norm.bias"]
    hidden = hidden @ state["first.weight"].T + state["first.bias"]
    hidden = hidden * (1 + torch.erf(hidden / 2**0.5)) / 2
    expected = x + hidden @ state["second.weight"].T + state["second.bias"]
    torch.testing.assert_close(block(x), expected)


def test_the_convolutional_vae_is_a_convolutional_autoencoder_with_linear_layers() -> None:
    model = build("conv_vae", CONV | {"latent_size": 2})
    assert isinstance(model, VariationalAutoencoder)
    state, x = model.state_dict(), torch.rand(4, *GREY)
    encoder = nn.Sequential(*encoder_of_the_specification(), nn.Flatten())
    decoder = nn.Sequential(nn.ReLU(), nn.Unflatten(1, (8, 4, 4)), *decoder_of_the_specification())
    for part, name in ((encoder, "encoder."), (decoder, "decoder.")):
        weights = [value for key, value in state.items() if key.startswith(name)]
        part.load_state_dict(dict(zip(part.state_dict(), weights, strict=True)))
    mean, log_variance = model.posterior(x)
    features = encoder(x)
    torch.testing.assert_close(mean, features @ state["mean.weight"].T + state["mean.bias"])
    expected = features @ state["log_variance.weight"].T + state["log_variance.bias"]
    torch.testing.assert_close(log_variance, expected)
    maps = mean @ state["to_maps.weight"].T + state["to_maps.bias"]
    torch.testing.assert_close(model(x), decoder(maps))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("unshuffle", [1, 2])
@pytest.mark.parametrize("initialization", ["default", "kaiming"])
def test_an_untrained_residual_network_returns_the_bicubic_enlargement(
    initialization: str, unshuffle: int, factor: int, channels: int
) -> None:
    image_shape = (channels, 6 * factor, 8 * factor)
    arguments = {"width": 8, "blocks": 2, "unshuffle": unshuffle}
    model = build("residual", arguments, (channels, 6, 8), image_shape)
    if initialization == "kaiming":
        initialize_kaiming(model)
    inputs = torch.rand(4, channels, 6, 8)
    expected = F.interpolate(inputs, scale_factor=factor, mode="bicubic").clamp(1e-3, 1 - 1e-3)
    torch.testing.assert_close(model(inputs), expected)


def test_unshuffled_pixels_are_processed_like_channels() -> None:
    fine = build("residual", {"width": 4, "blocks": 2, "unshuffle": 2}, (1, 6, 8), (1, 6, 8))
    fine.state_dict()["gain"].fill_(0.1)
    coarse = build("residual", {"width": 4, "blocks": 2}, (4, 3, 4), (4, 3, 4))
    coarse.load_state_dict(fine.state_dict())
    inputs = torch.rand(2, 1, 6, 8)
    blocks = inputs.view(2, 3, 2, 4, 2).permute(0, 2, 4, 1, 3).reshape(2, 4, 3, 4)
    image = coarse(blocks).view(2, 2, 2, 3, 4).permute(0, 3, 1, 4, 2).reshape(2, 1, 6, 8)
    torch.testing.assert_close(fine(inputs), image)


def test_a_residual_network_adds_a_sub_pixel_convolution_of_residual_features() -> None:
    model = build("residual", {"width": 4, "blocks": 2}, (3, 6, 5), (3, 18, 15))
    state = model.state_dict()
    state["gain"].fill_(0.1)

    def convolve(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    inputs = torch.rand(2, 3, 6, 5)
    features = convolve(inputs, "encoder.0")
    for block in ("encoder.1", "encoder.2"):
        features = features + convolve(
            convolve(features, f"{block}.first").relu(), f"{block}.second"
        )
    latent = torch.cat([inputs, features.relu()], 1)
    torch.testing.assert_close(model.encode(inputs), latent)
    sub_pixels = convolve(features.relu(), "decoder.0").view(2, 3, 3, 3, 6, 5)
    residual = sub_pixels.permute(0, 1, 4, 2, 5, 3).reshape(2, 3, 18, 15)
    image = F.interpolate(inputs, scale_factor=3, mode="bicubic").clamp(0, 1) + 0.1 * residual
    torch.testing.assert_close(model(inputs), image.clamp(1e-3, 1 - 1e-3))


def test_depthwise_blocks_convolve_each_channel_separately() -> None:
    model = build("residual", {"width": 4, "blocks": 1, "depthwise": 5}, (1, 9, 8), (1, 9, 8))
    state = model.state_dict()
    inputs = torch.rand(2, 1, 9, 8)
    features = F.conv2d(inputs, state["encoder.0.weight"], state["encoder.0.bias"], padding=1)
    around = torch.cat(
        [
            F.conv2d(features[:, i, None], state["encoder.1.around.weight"][i, None], padding=2)
            for i in range(4)
        ],
        1,
    ) + state["encoder.1.around.bias"].view(4, 1, 1)
    first, second = (state[f"encoder.1.{name}.weight"][..., 0, 0] for name in ("first", "second"))
    bias = state["encoder.1.first.bias"].view(8, 1, 1)
    hidden = (torch.einsum("oi,nihw->nohw", first, around) + bias).relu()
    bias = state["encoder.1.second.bias"].view(4, 1, 1)
    features = features + torch.einsum("oi,nihw->nohw", second, hidden) + bias
    torch.testing.assert_close(model.encode(inputs), torch.cat([inputs, features.relu()], 1))


@pytest.mark.parametrize(
    ("input_shape", "image_shape"),
    [
        ((1, 28, 28), (1, 14, 14)),
        ((1, 12, 12), (1, 28, 28)),
        ((1, 14, 7), (1, 28, 28)),
        ((1, 16, 16), (3, 32, 32)),
    ],
    ids=["smaller", "2⅓ times", "2 and 4 times", "other channels"],
)
def test_a_residual_network_for_other_shapes_is_an_error(
    input_shape: ImageShape, image_shape: ImageShape
) -> None:
    sizes = ("×".join(map(str, shape)) for shape in (input_shape, image_shape))
    with pytest.raises(
        ValueError, match="of {} and an image of {}; allowed: the same".format(*sizes)
    ):
        build("residual", {"width": 16, "blocks": 2}, input_shape, image_shape)


def test_a_size_that_cannot_be_unshuffled_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^model\.unshuffle: found 2 for an input of 1×28×27"):
        build("residual", {"width": 16, "blocks": 2, "unshuffle": 2}, (1, 28, 27), (1, 28, 27))


def test_the_error_for_too_few_doublings_says_what_to_change() -> None:
    with pytest.raises(
        ValueError, match=r"^model.decoder_channels: found \[8\], .* 4×4 .* reach 28×28$"
    ):
        build("conv_ae", CONV | {"decoder_channels": [8]})


@pytest.mark.parametrize("encoder", [[4], [4, 4], [4, 4, 4], [4, 4, 4, 4, 4, 4]])
@pytest.mark.parametrize("size", [(28, 28), (32, 32), (27, 30), (1, 5)])
def test_any_depth_fits_any_size(encoder: list[int], size: tuple[int, int]) -> None:
    shape = (1, *size)
    arguments = {"encoder_channels": encoder, "decoder_channels": encoder, "upsampling": "nearest"}
    model = build("conv_ae", arguments, shape, shape)
    assert model(torch.rand(2, *shape)).shape == (2, *shape)


# --- the contract: the registries list the models, the signatures their arguments


@pytest.fixture(params=list(MODELS))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def small(parts: Parts, image_shape: ImageShape = GREY, seed: int = 0) -> Assembled:
    """Return a small variant for images of this shape, with slightly changed initial weights.

    Some weights start at 0, which would hide the effect of others.
    """
    torch.manual_seed(0)
    assembled = assemble(parts, image_shape, seed, "small", perceive=lambda x: [x])
    with torch.no_grad():
        for parameter in assembled.networks.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape))
    return assembled


@pytest.fixture
def example(kind: str) -> Assembled:
    """Return a small variant with a model of this kind."""
    return small(example_of(kind))


def example_of(kind: str) -> Parts:
    return next(parts for parts in PAIRS.values() if parts.model.kind == kind)


PAIRS = example_parts(GREY)

SHAPES = {
    "grey": ((1, 28, 28), (1, 28, 28)),
    "colour": ((3, 32, 32), (3, 32, 32)),
    "large colour": ((3, 64, 64), (3, 64, 64)),
    "super-resolution": ((1, 14, 14), (1, 28, 28)),
    "colour super-resolution": ((3, 16, 16), (3, 32, 32)),
}

FITTING = [
    pytest.param(entry, *shapes, id=f"{kind}-{name}")
    for kind in MODELS
    for name, shapes in SHAPES.items()
    if (entry := fitting_model(kind, *shapes))
]


def test_the_first_models_fit_all_shapes() -> None:
    ids = {str(parameter.id) for parameter in FITTING}
    for kind in ("conv_ae", "conv_vae", "mlp_ae", "mlp_vae", "residual"):
        assert {f"{kind}-{name}" for name in SHAPES} <= ids


@pytest.mark.parametrize(("entry", "input_shape", "image_shape"), FITTING)
def test_contract_shapes_and_range(
    entry: dict[str, Any], input_shape: ImageShape, image_shape: ImageShape
) -> None:
    model = examples.build(MODELS, entry, input_shape=input_shape, image_shape=image_shape)
    inputs = torch.rand(5, *input_shape)
    latent = model.encode(inputs)
    assert latent.shape == (5, *model.latent_shape)
    assert model.has_posterior == isinstance(model, VariationalAutoencoder)
    assert model.decode(latent).shape == (5, *image_shape)
    output = model(100 * inputs)  # inputs far outside [0, 1]
    assert output.shape == (5, *image_shape)
    assert output.min() >= 0
    assert output.max() <= 1


def test_contract_latent_holds_input_is_right(example: Assembled, noise: Noise) -> None:
    inputs = example.input(torch.rand(5, *GREY), noise)
    latent = example.model.encode(inputs)
    holds = latent.ndim == 4 and torch.equal(latent[:, : inputs.shape[1]], inputs)
    assert example.model.latent_holds_input == holds


def test_contract_forward_is_deterministic_and_image_by_image(
    example: Assembled, noise: Noise
) -> None:
    model = example.model
    inputs = example.input(torch.rand(5, *GREY), noise)
    torch.manual_seed(1)
    first = model(inputs)
    torch.manual_seed(2)
    assert torch.equal(model(inputs), first)
    torch.testing.assert_close(model(inputs[2:3]), first[2:3])


def test_contract_forward_decodes_the_encoded_input(example: Assembled, noise: Noise) -> None:
    model = example.model
    inputs = example.input(torch.rand(5, *GREY), noise)
    expected = 1 / (1 + torch.exp(-model.decode(model.encode(inputs))))
    torch.testing.assert_close(model(inputs), expected)


def test_contract_every_model_and_every_objective_has_a_partner() -> None:
    assert {parts.model.kind for parts in PAIRS.values()} == set(MODELS)
    assert {parts.objective.kind for parts in PAIRS.values()} == set(OBJECTIVES)


@pytest.mark.parametrize("parts", PAIRS.values(), ids=PAIRS)
def test_contract_a_gradient_reaches_every_parameter(
    parts: Parts, pictures: Pictures, noise: Noise
) -> None:
    example = small(parts)
    networks, objective = example.networks, example.objective
    groups = objective.parameter_groups(networks)
    reached: set[nn.Parameter] = set()

    def step(group: str, losses: Tensor) -> None:
        gradients = torch.autograd.grad(losses.mean(), groups[group])
        assert all(gradient.any() for gradient in gradients), group
        reached.update(groups[group])

    images = pictures(16, GREY)
    objective.update(networks, example.input(images, noise), images, noise, step)
    assert reached == set(networks.parameters())


def test_contract_saved_weights_give_the_same_outputs(
    kind: str, example: Assembled, noise: Noise, tmp_path: Path
) -> None:
    model = example.model
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    loaded = small(example_of(kind), seed=9).model
    inputs = example.input(torch.rand(5, *GREY), noise)
    assert not torch.equal(loaded(inputs), model(inputs))
    loaded.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(loaded(inputs), model(inputs))


def overfit(example: Assembled, clean: Tensor, targets: Tensor, noise: Noise, steps: int) -> float:
    """Return the lowest loss within `steps`, as a share of the first loss; stop below 0.3.

    The encoder input is made from `clean`; the decoder's targets are `targets`.
    Training stops early because gradients vanish after overfitting. Adam then takes large steps
    along rounding errors, and the loss can rise again at a step that depends on the last bits.
    """
    networks, objective = example.networks, example.objective
    inputs = example.input(clean, noise)
    optimizers = {
        group: torch.optim.Adam(parameters, 5e-3 if group in ("model", "autoencoder") else 1e-4)
        for group, parameters in objective.parameter_groups(networks).items()
    }

    def step(group: str, losses: Tensor) -> None:
        optimizers[group].zero_grad()
        losses.mean().backward()
        optimizers[group].step()

    losses: list[float] = []
    while len(losses) < steps and (not losses or losses[-1] >= 0.3 * losses[0]):
        terms = objective.update(networks, inputs, targets, noise, step)
        losses.append(terms["loss"].detach().mean().item())
    return min(losses) / losses[0]


SMALL_GREY = (1, 16, 16)
LEARNERS = example_parts(SMALL_GREY)


@pytest.fixture
def opposites(pictures: Pictures) -> Tensor:
    """Return four images in black and white whose mean is grey everywhere.

    For such images, the lowest possible cross-entropy is 0 with and log 2 without the encoder
    input.
    """
    images = pictures(2, SMALL_GREY).round()
    return torch.cat([images, 1 - images])


def learner(parts: Parts, seed: int = 0) -> Assembled:
    return assemble(parts, SMALL_GREY, seed, "learner", perceive=lambda x: [x])


@pytest.mark.parametrize("parts", LEARNERS.values(), ids=LEARNERS)
def test_contract_a_model_can_overfit_one_batch(
    parts: Parts, opposites: Tensor, noise: Noise
) -> None:
    """One of three initialisations is enough: rarely, all units of a layer are inactive."""
    assert any(
        overfit(learner(parts, seed), opposites, opposites, noise, steps=500) < 0.3
        for seed in range(3)
    )


@pytest.mark.slow
def test_no_model_can_overfit_a_batch_with_identical_inputs(
    kind: str, opposites: Tensor, noise: Noise
) -> None:
    """The test above would fail for a model that ignores its input."""
    example = learner(next(parts for parts in LEARNERS.values() if parts.model.kind == kind))
    example.model.start_from((255 * opposites).byte())  # its first loss is that of a grey image
    identical = opposites.mean(0, keepdim=True).expand_as(opposites)
    assert overfit(example, identical, opposites, noise, steps=150) > 0.8
