"""`autoencoders release`: write a trained variant into the package as a ready network."""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

import onnx
import torch
from onnx import TensorProto
from onnx.external_data_helper import set_external_data
from onnx.helper import make_node
from safetensors.torch import save as to_safetensors
from torch import Tensor

from autoencoders import files, paths, ready
from autoencoders.application import onnx_file
from autoencoders.application.find_variant import load
from autoencoders.application.onnx_network import onnx_network
from autoencoders.commands import Parser
from autoencoders.commands.models import task
from autoencoders.errors import UserError
from autoencoders.evaluation import image_quality, results
from autoencoders.evaluation.results import Metrics
from autoencoders.ready import Card, Latent
from autoencoders.serving.content import Explorer
from autoencoders.serving.trained_content import create_explorer
from autoencoders.site import packaged_images
from autoencoders.site.drawing import DRAWN_SHAPE
from autoencoders.tracking.provenance import origin_tags
from autoencoders.trained.variant import ADAPTER, Trained

MOST_LOSS = 0.01  # dB that 16-bit weights may cost
METRICS, DIGITS = ("psnr", "ssim", "elbo"), 4  # on a card
Place: TypeAlias = tuple[int, int, int]  # of a weight in a file: type, first byte, end
WHOLE: tuple[onnx_file.Part] = ("network",)
KINDS = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}  # of safetensors and of ONNX


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("variant", metavar="DATASET/VARIANT", help="for example mnist/vae")
    parser.add_argument(
        "--as", dest="name", metavar="NAME", help="the ready network's name; default: VARIANT"
    )
    for option, text in (
        ("--data", "the training images, such as '60,000 digits of MNIST'"),
        ("--licence", "their licence, or the use that their owners allow"),
        ("--limits", "when the output may be bad"),
    ):
        parser.add_argument(option, required=True, metavar="TEXT", help=f"for the card: {text}")


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write the card, the weights and the ONNX files of a ready network; yield a line about it.

    If its images are grey and have 28×28 pixels, also write a sheet of test images.
    Weights are 16-bit floats if this costs less than 0.01 dB on the test images, else 32-bit ones.
    The files replace those of an earlier release of this name together.

    Raises:
        UserError: the variant is not trained or not evaluated, or the name has wrong characters.
    """
    trained = load(options.variant)
    name = options.name or trained.description.name
    if not name.isidentifier():
        raise UserError(f"--as: found {name!r}; allowed: letters, digits and _, such as mnist_vae")
    evaluated = _evaluated(trained)
    weights, metrics = _weights_and_metrics(trained, evaluated)
    explorer = create_explorer(trained)
    with files.atomic_directory(ready.folder(name)) as folder:
        stored = to_safetensors(weights)
        (folder / ready.WEIGHTS).write_bytes(stored)
        places = _places(stored)
        for part in onnx_file.PARTS if isinstance(explorer, Explorer) else WHOLE:
            content = _with_stored_weights(onnx_file.to_onnx(trained, part), places)
            (folder / f"{part}{ready.ONNX}").write_bytes(content)
        params = ADAPTER.dump_python(trained.description, mode="json")
        card = Card(
            task=task(params),
            input_shape=trained.input_shape,
            image_shape=trained.image_shape,
            any_size=onnx_network(folder / f"network{ready.ONNX}").geometry is not None,
            data=options.data,
            licence=options.licence,
            limits=options.limits,
            weights="float16"
            if torch.float16 in {v.dtype for v in weights.values()}
            else "float32",
            test_images=evaluated["n_images"],
            metrics={name: round(value, DIGITS) for name, value in metrics.items()},
            latent=_latent(explorer, params, trained),
            params=params,
            commit=origin_tags().get("git.commit", "unknown"),
            sha256={path.name: files.digest(path) for path in sorted(folder.iterdir())},
        )
        files.write_json(folder / ready.CARD, asdict(card))
    if trained.image_shape == DRAWN_SHAPE:
        images, labels = (of("test").numpy() for of in (trained.data.images, trained.data.labels))
        names = trained.data.metadata.class_names
        packaged_images.write(trained.description.dataset, images, labels, names)
    size = sum(path.stat().st_size for path in ready.folder(name).iterdir())
    yield f"{name}: {card.weights}, {size / 1e6:.2f} MB, PSNR {card.metrics['psnr']:.2f} dB"


def _evaluated(trained: Trained) -> Metrics:
    """Return the test metrics of a variant, of these weights."""
    description = trained.description
    path = paths.metrics(description.dataset, description.name)
    evaluated = results.load(path, description.dataset, description.name)
    if evaluated["model_sha256"] != files.digest(trained.folder / paths.WEIGHTS):
        raise UserError(f"{path} is not about these weights: run `autoencoders repro`")
    return evaluated


def _weights_and_metrics(
    trained: Trained, evaluated: Metrics
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Return the weights to store and their test metrics; the network then has these weights."""
    exact = {
        name: value.cpu().contiguous().clone()
        for name, value in trained.networks.state_dict().items()
    }
    halves = {
        name: value.half() if value.is_floating_point() else value for name, value in exact.items()
    }
    metrics: dict[str, float] = {name: evaluated[name] for name in METRICS if name in evaluated}
    if all(value.isfinite().all() for value in halves.values()):
        # `evaluated` has other draws of the noise, whose strength may be random.
        before = _image_quality(trained)
        trained.networks.load_state_dict(halves)
        rounded = _image_quality(trained)
        if abs(rounded["psnr"] - before["psnr"]) < MOST_LOSS:
            return halves, metrics | {name: rounded[name] for name in metrics if name in rounded}
        trained.networks.load_state_dict(exact)
    return exact, metrics


@torch.no_grad()
def _image_quality(trained: Trained) -> dict[str, float]:
    return image_quality.of_predictions(trained.model, trained.pairs("test"))


def _latent(explorer: Explorer | str, params: Mapping[str, Any], trained: Trained) -> Latent | None:
    if isinstance(explorer, str):
        return None
    prior = None if trained.prior is None else params["variant"]["objective"]["prior"]["kind"]
    return Latent(len(explorer.start), prior, explorer.axes, explorer.start)


def _places(stored: bytes) -> dict[str, Place]:
    """Return the place of each weight in a safetensors file, by its name in ONNX files."""
    start = 8 + int.from_bytes(stored[:8], "little")  # after the header, a JSON object
    return {
        name.replace("model.", "network.", 1): (KINDS[entry["dtype"]], start + first, start + end)
        for name, entry in json.loads(stored[8:start]).items()
        for first, end in [entry["data_offsets"]]
        if entry["dtype"] in KINDS
    }


def _with_stored_weights(content: bytes, places: Mapping[str, Place]) -> bytes:
    """Return an ONNX file that reads its weights from a safetensors file in its folder.

    Each weight of 16 bits is followed by a cast, which runtimes compute once, when they load it.
    """
    network = onnx.load_from_string(content)
    casts = []
    for weight in network.graph.initializer:
        if weight.name not in places:
            continue
        kind, start, end = places[weight.name]
        if kind != TensorProto.FLOAT:
            name, weight.name = weight.name, f"{weight.name}.stored"
            casts.append(make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT))
        weight.data_type = kind
        set_external_data(weight, ready.WEIGHTS, offset=start, length=end - start)
        weight.ClearField("raw_data")
    nodes = [*casts, *network.graph.node]
    del network.graph.node[:]
    network.graph.node.extend(nodes)
    return network.SerializeToString(deterministic=True)
