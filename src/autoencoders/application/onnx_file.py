"""Files in the ONNX format, which other programs run without this repository."""

import copy
import json
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

import onnx
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from torch import Tensor, nn
from torch.export import Dim

from autoencoders import files, paths
from autoencoders.application.tiling import Geometry
from autoencoders.application.torch_network import NetworkBuilder, find_geometry
from autoencoders.trained.variant import Trained
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.convolutional import ConvDecoder

Part: TypeAlias = Literal["network", "encoder", "decoder"]
# The names of the input and the output of each part.
PARTS: Mapping[Part, tuple[str, str]] = {
    "network": ("image", "reconstruction"),
    "encoder": ("image", "latent"),
    "decoder": ("latent", "reconstruction"),
}
AXES = (2, "rows"), (3, "columns")  # that may be free, and the names of their variables
OPSET = 18  # of ONNX; all runtimes since 2023 have it


class Exported(nn.Module):
    """A part of a network; images are in [0, 1], and the latent of a VAE is the posterior mean.

    `excess` is the number of rows and columns that are cropped from the decoder's images.
    """

    def __init__(self, network: Autoencoder, part: Part, excess: tuple[int, int]) -> None:
        super().__init__()
        self.network = network
        self.part = part
        self.rows, self.columns = (-length or None for length in excess)

    def forward(self, values: Tensor) -> Tensor:
        """Return the output of a batch `(N, …)` of images or latents."""
        if self.part != "decoder":
            values = self.network.encode(values)
        if self.part == "encoder":
            return values
        return self.network.decode(values)[..., : self.rows, : self.columns].sigmoid()


@torch.no_grad()
def to_onnx(trained: Trained, part: Part) -> bytes:
    """Return the content of an ONNX file with a part of a trained variant.

    Inputs and outputs are float32: images `(N, C, H, W)` in [0, 1], latents `(N, *latent_shape)`.
    N is free. H and W are too if `apply` takes images of any size: they may differ from the trained
    ones by multiples of the `multiple` in the metadata. `reach` is that of `Geometry`.
    """
    network = copy.deepcopy(trained.model).cpu()
    geometry = find_geometry(NetworkBuilder(trained.description.variant.model, trained))
    stride = geometry.stride if geometry else 0
    channels, height, width = trained.input_shape
    # torch.export takes a length of 1 as a constant, so the example is larger than that.
    example = torch.zeros(2, channels, height + stride, width + stride)
    step = stride
    if part == "decoder":
        example, step = network.encode(example), 1
    free: dict[int, Dim] = {0: Dim("batch")}
    if geometry:
        free |= {axis: step * Dim(name) + example.shape[axis] % step for axis, name in AXES}
    input_name, output_name = PARTS[part]
    program = torch.onnx.export(
        Exported(network, part, _without_crop(network, trained) if geometry else (0, 0)).eval(),
        (example,),
        input_names=[input_name],
        output_names=[output_name],
        opset_version=OPSET,
        dynamic_shapes=(free,),
        verbose=False,
        dynamo=True,  # the exporter for TorchScript cannot export the padding of pools
    )
    assert program is not None
    ClearMetadataAndDocStringPass()(program.model)  # stack traces with paths of this machine
    program.model.metadata_props.update(_metadata(trained, part, geometry))
    file = program.model_proto
    del file.graph.value_info[:]  # details of the exporter
    for value in (*file.graph.input, *file.graph.output):
        del value.metadata_props[:]
    if geometry:  # torch may call an output's height 8*s30 + 4, and s30 is our rows
        lengths = file.graph.output[0].type.tensor_type.shape.dim
        for axis, name in AXES:
            lengths[axis].dim_param = re.sub(r"\bs\d+\b", name, lengths[axis].dim_param)
    return file.SerializeToString(deterministic=True)


def _without_crop(network: Autoencoder, trained: Trained) -> tuple[int, int]:
    """Stop a decoder from cropping to the trained size; return the rows and columns to crop.

    They are the same for all sizes, but `ConvDecoder` has the size itself.
    """
    for layer in network.modules():
        if isinstance(layer, ConvDecoder):
            layer.image_size = (sys.maxsize, sys.maxsize)
    images = network.decode(torch.zeros(1, *trained.latent_shape))
    return images.shape[2] - trained.image_shape[1], images.shape[3] - trained.image_shape[2]


def identity(trained: Trained, part: Part) -> dict[str, str]:
    """Return the entries of the metadata that name the content: dataset, variant and part."""
    description = trained.description
    return {"dataset": description.dataset, "variant": description.name, "part": part}


def may_replace(target: Path, expected: Mapping[str, str]) -> bool:
    """Return whether the target is new or an earlier export with this `identity`."""
    try:
        found = onnx.load(target, load_external_data=False).metadata_props
    except FileNotFoundError:
        return not target.is_symlink()
    except Exception:  # the parser raises many kinds of errors
        return False
    return expected.items() <= {entry.key: entry.value for entry in found}.items()


def _metadata(trained: Trained, part: Part, geometry: Geometry | None) -> dict[str, str]:
    description = trained.description
    entries = {
        "model": description.variant.model.kind,
        "input": description.variant.input.model_dump(mode="json"),
        "input_shape": trained.input_shape,
        "image_shape": trained.image_shape,
        "latent_shape": trained.latent_shape,
        "channels": trained.image_shape[0],
        **({"multiple": geometry.stride, "reach": geometry.reach} if geometry else {}),
        "seed": description.seed,
        "weights_sha256": files.digest(trained.folder / paths.WEIGHTS),
        "autoencoders_version": version("autoencoders"),
    }
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in entries.items()
    }
    return identity(trained, part) | texts
