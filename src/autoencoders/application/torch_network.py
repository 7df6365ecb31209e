"""A trained variant as a network for images, with PyTorch."""

from functools import lru_cache

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from autoencoders import ready
from autoencoders.application.network import Coder, Network, Precision, Run
from autoencoders.application.tiling import Geometry
from autoencoders.components import Component
from autoencoders.device import exact_device, tune_cpu
from autoencoders.images.picture import Floats
from autoencoders.limits import available_cores
from autoencoders.trained import variant
from autoencoders.trained.variant import Trained
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.models.base import Autoencoder

ADDED_LENGTH = 2**8 * 3**2 * 5 * 7  # pixels: a multiple of all likely strides
PROBE_LENGTHS = (128, 256, 512, 1024)  # pixels: of the images that measure the reach
CACHED_SIZES = 8  # images of one size have tiles of up to four sizes


def trained_network(trained: Trained, precision: Precision = "float32") -> Network:
    """Return a trained variant's network, for images of any size if its layers allow it.

    With `precision` auto, all layers but the last compute in bfloat16 if the device has bfloat16
    instructions and the image has no more than 8 bits per sample.
    """
    _tune()
    builder = NetworkBuilder(trained.description.variant.model, trained)
    bfloat16 = precision == "auto" and has_bfloat16(trained.device)
    return network_of(trained.description.name, trained.name, builder, trained.device, bfloat16)


def trained_coder(trained: Trained) -> Coder:
    """Return a trained variant's encoder and decoder, in float32."""

    @torch.no_grad()
    def encode(images: Floats) -> Floats:
        latents = trained.model.encode(torch.from_numpy(images).to(trained.device))
        as_array: Floats = latents.cpu().numpy()
        return as_array

    def decode(latents: Floats) -> Floats:
        images: Floats = trained.decode(torch.from_numpy(latents)).numpy()
        return images

    return Coder(trained.input_shape, trained.latent_shape, encode, decode)


def network_of(
    name: str, source: str, builder: "NetworkBuilder", device: torch.device, bfloat16: bool = False
) -> Network:
    """Return the network that a builder builds, on `device`; see `Network` for the names."""
    geometry = find_geometry(builder)
    run = run_of(builder, device, bfloat16)
    return Network(name, source, builder.input_shape, builder.image_shape, run, geometry)


def run_of_ready(name: str) -> Run | None:
    """Return `Network.run` of a ready network with PyTorch, in bfloat16 if the device has it.

    Returns None on a CPU without bfloat16 instructions, where onnxruntime is faster.
    """
    device = exact_device()
    bfloat16 = has_bfloat16(device)
    if device.type == "cpu" and not bfloat16:
        return None
    _tune()
    description = variant.ADAPTER.validate_python(ready.card(name).params)
    assembled = variant.build(description)
    networks = assembled.networks
    networks.load_state_dict(load_file(ready.weights_path(name)))
    # With channels in the last dimension in memory, bfloat16 is three times as fast on a CPU.
    networks.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return run_of(NetworkBuilder(description.variant.model, assembled), device, bfloat16)


def _tune() -> None:
    """Tune the CPU: tiles, like batches, allocate and free memory often."""
    tune_cpu(min(torch.get_num_threads(), available_cores()))


def run_of(builder: "NetworkBuilder", device: torch.device, bfloat16: bool) -> Run:
    """Return `Network.run` of the networks that a builder builds, on `device`."""
    builder.weights = {name: value.to(device) for name, value in builder.weights.items()}
    network_for = lru_cache(CACHED_SIZES)(builder.build)

    @torch.no_grad()
    def run(tile: Floats, exact: bool) -> Floats:
        inputs = torch.from_numpy(tile)[None].to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16 and not exact):
            output: Floats = network_for(*tile.shape[1:])(inputs)[0].cpu().numpy()
        return output

    return run


class NetworkBuilder:
    """Builds a trained network for encoder inputs of other sizes; all share its weights."""

    def __init__(self, model: Component, assembled: Assembled) -> None:
        self.model = model
        weights = assembled.model.state_dict()
        self.weights = {name: value.cpu() for name, value in weights.items()}
        self.input_shape = assembled.input_shape
        self.image_shape = assembled.image_shape
        self.factor = self.image_shape[1] // self.input_shape[1]

    def without_weights(self, height: int, width: int) -> Autoencoder:
        """Return the network for encoder inputs of this size, without weights.

        Raises:
            ValueError: the model does not fit this size.
        """
        channels = self.input_shape[0]
        with torch.device("meta"):
            return self.model.build(
                input_shape=(channels, height, width),
                image_shape=(channels, self.factor * height, self.factor * width),
            )

    def build(self, height: int, width: int) -> Autoencoder:
        """Return the trained network for encoder inputs of this size."""
        network = self.without_weights(height, width)
        network.load_state_dict(self.weights, assign=True)
        keep_last_layer_in_float32(network)
        return network.eval()


def find_geometry(builder: NetworkBuilder) -> Geometry | None:
    """Return a network's stride and reach; None if it takes only one size.

    A network takes any size if its latent grows with its input, its weights do not, and its reach
    is limited. This function measures all three on the CPU, for any model.
    """
    stride = _stride(builder)
    if stride is None:
        return None
    _, height, width = builder.input_shape
    shapes = {(name, value.shape) for name, value in builder.weights.items()}
    larger = builder.without_weights(height + stride, width + stride).state_dict()
    if {(name, value.shape) for name, value in larger.items()} != shapes:
        return None
    down, across = (_reach(builder, stride, axis) for axis in (1, 2))
    return None if down is None or across is None else Geometry(stride, max(down, across))


def _stride(builder: NetworkBuilder) -> int | None:
    """Return the number of input pixels for one row or column of the latent; None if it varies."""
    _, height, width = builder.input_shape
    try:
        larger = builder.without_weights(height + ADDED_LENGTH, width + ADDED_LENGTH).latent_shape
    except ValueError:
        return None
    latent = builder.without_weights(height, width).latent_shape
    growths = {after - before for after, before in zip(larger[1:], latent[1:], strict=True)}
    growth = max(growths, default=0)
    whole = len(growths) == 1 and growth and ADDED_LENGTH % growth == 0
    return ADDED_LENGTH // growth if whole else None


@torch.no_grad()
def _reach(builder: NetworkBuilder, stride: int, axis: int) -> int | None:
    """Return the network's reach along an axis of `(C, H, W)`; None if it is not limited.

    NaN pixels turn every output that depends on them into NaN, for any weights.
    """
    for length in PROBE_LENGTHS:
        shape = list(builder.input_shape)
        shape[axis] += -(-length // stride) * stride
        start = shape[axis] // 2 // stride * stride
        image = torch.zeros(shape)
        image.narrow(axis, start, stride).fill_(torch.nan)
        affected = builder.build(*shape[1:])(image[None])[0].isnan()
        indices = affected.movedim(axis, 0).flatten(1).any(1).nonzero().flatten().tolist()
        first, last = (indices[0], indices[-1]) if indices else (0, 0)
        if first > 0 and last < builder.factor * shape[axis] - 1:
            return max(start + stride - 1 - first // builder.factor, last // builder.factor - start)
    return None


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device has instructions for bfloat16, and does not emulate it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # The first call tests the processor, the second oneDNN, which settings may restrict.
    return bool(
        torch.cpu._is_avx512_bf16_supported() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def keep_last_layer_in_float32(network: nn.Module) -> None:
    """Make a network's last layer with weights compute in float32 under `torch.autocast` too.

    Below 1, bfloat16 has steps of 1/256, which would be visible in logits or pixels.
    """
    name = [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    ][-1]
    network.set_submodule(name, Float32Layer(network.get_submodule(name)))


class Float32Layer(nn.Module):
    """A layer that computes in float32 even under `torch.autocast`."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output for `x` of any shape, in float32."""
        with torch.autocast(x.device.type, enabled=False):
            output: Tensor = self.layer(x.float())
        return output
