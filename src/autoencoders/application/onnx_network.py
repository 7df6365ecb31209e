"""A network in an ONNX file as a network for images. It needs no torch."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import onnxruntime

from autoencoders import ready
from autoencoders.application.network import Coder, Network
from autoencoders.application.tiling import Geometry
from autoencoders.errors import UserError
from autoencoders.files import shortened
from autoencoders.images.file_names import printable
from autoencoders.images.picture import Floats
from autoencoders.limits import available_cores

Compute: TypeAlias = Callable[[Floats], Floats]  # from the input of a file to its output


def onnx_network(path: Path) -> Network:
    """Return the network in a file that `autoencoders export` has written, on the CPU.

    Raises:
        UserError: the file is missing, damaged or no such file, or it has only a part of a network.
    """
    shown = printable(str(path))
    if not path.is_file():
        raise UserError(f"{shown}: there is no such file")
    try:
        compute, found = load(path)
        part, name, dataset = found["part"], found["variant"], found["dataset"]
        input_shape, image_shape = (
            tuple(json.loads(found[key])) for key in ("input_shape", "image_shape")
        )
        steps = [int(found[key]) for key in ("multiple", "reach") if key in found]
    except Exception as error:  # the errors of onnxruntime have no common class
        reason = shortened(str(error)) or type(error).__name__
        raise UserError(
            f"{shown} cannot be used ({reason}); allowed: a file of `autoencoders export`"
        ) from error
    if part != "network":
        raise UserError(f"{shown} has only the {part}; allowed: `autoencoders export` of a network")

    def run(tile: Floats, exact: bool) -> Floats:
        output: Floats = compute(tile[None])[0]
        return output

    geometry = Geometry(*steps) if steps else None
    return Network(name, f"{dataset}/{name}", input_shape, image_shape, run, geometry)


def ready_network(name: str) -> Network:
    """Return a ready network, on the CPU."""
    return replace(onnx_network(ready.onnx_path(name)), name=name, source=name)


def ready_coder(name: str) -> Coder:
    """Return the encoder and the decoder of a ready network, on the CPU.

    Raises:
        UserError: the network has none.
    """
    if not ready.onnx_path(name, "encoder").exists():
        allowed = [other for other in ready.names() if ready.onnx_path(other, "encoder").exists()]
        raise UserError(
            f"{name} has no latents of its own, because they contain the image; "
            f"allowed: {', '.join(allowed)}"
        )
    encode, found = load(ready.onnx_path(name, "encoder"))
    decode, _ = load(ready.onnx_path(name, "decoder"))
    input_shape, latent_shape = (
        tuple(json.loads(found[key])) for key in ("input_shape", "latent_shape")
    )
    return Coder(input_shape, latent_shape, encode, decode)


def load(path: Path) -> tuple[Compute, dict[str, str]]:
    """Return the function in an ONNX file, from its input to its output, and its metadata."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 4  # only fatal errors; all others are exceptions
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    (source,) = session.get_inputs()

    def compute(values: Floats) -> Floats:
        output: Floats = session.run(None, {source.name: values})[0]
        return output

    return compute, session.get_modelmeta().custom_metadata_map
