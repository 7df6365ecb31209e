"""A network in an ONNX file as a network for images. It needs no torch."""

import json
from pathlib import Path

import onnxruntime

from autoencoders.application.network import Network
from autoencoders.application.tiling import Geometry
from autoencoders.errors import UserError
from autoencoders.files import shortened
from autoencoders.images.file_names import printable
from autoencoders.images.picture import Floats
from autoencoders.limits import available_cores


def onnx_network(path: Path) -> Network:
    """Return the network in a file that `autoencoders export` has written, on the CPU.

    Raises:
        UserError: the file is missing, damaged or no such file, or it has only a part of a network.
    """
    shown = printable(str(path))
    if not path.is_file():
        raise UserError(f"{shown}: there is no such file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 4  # only fatal errors; all others are exceptions
    try:
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        found = session.get_modelmeta().custom_metadata_map
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
        output: Floats = session.run(None, {"image": tile[None]})[0][0]
        return output

    geometry = Geometry(*steps) if steps else None
    return Network(name, f"{dataset}/{name}", input_shape, image_shape, run, geometry)
