"""Trained networks that are part of the package; `autoencoders release` writes their folders.

A folder has a card, the weights in the safetensors format, and the network in the ONNX format. If
the latents are vectors, there are also ONNX files of the encoder and the decoder. ONNX files have
no weights of their own: they read those of the safetensors file (ONNX calls it external data).
Weights are 16-bit or 32-bit floats; computations are in float32.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autoencoders.param_types import ImageShape

FOLDER = Path(__file__).parent
CARD, WEIGHTS, ONNX = "card.json", "weights.safetensors", ".onnx"  # files, and the end of a name


@dataclass(frozen=True)
class Axis:
    """A latent dimension with a slider on the page: its index from 0, and its bounds."""

    index: int
    low: float
    high: float


@dataclass(frozen=True)
class Latent:
    """The latent vectors of a network.

    Attributes:
        size: the number of entries.
        prior: the `kind` of the objective's prior; None if it has none.
        axes: both dimensions of a plane, or the dimensions that change the image most.
        start: the first latent on the page, `(size,)`.
    """

    size: int
    prior: str | None
    axes: tuple[Axis, ...]
    start: tuple[float, ...]


@dataclass(frozen=True)
class Card:
    """What a user of a network must be told.

    Attributes:
        task: what it does to an image.
        input_shape: the `(C, H, W)` of the encoder input in training.
        image_shape: the `(C, f·H, f·W)` of its output.
        any_size: whether it takes images of any height and width.
        data: the training images.
        licence: the licence of these images, or the use that their owners allow.
        limits: when the output may be bad.
        weights: the type of the stored weights.
        test_images: the number of test images of the metrics.
        metrics: mean test metrics of the released weights: PSNR in dB, SSIM; the ELBO in nats.
        latent: its latent vectors; None for a network whose latents contain the image.
        params: the record of its training, with the resolved params.
        commit: the git commit of the code that wrote the files.
        sha256: the SHA-256 of each file, by its name.
    """

    task: str
    input_shape: ImageShape
    image_shape: ImageShape
    any_size: bool
    data: str
    licence: str
    limits: str
    weights: Literal["float16", "float32"]
    test_images: int
    metrics: dict[str, float]
    latent: Latent | None
    params: dict[str, Any]
    commit: str
    sha256: dict[str, str]


def names() -> list[str]:
    """Return the names of the ready networks, in alphabetical order."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{CARD}"))


def is_ready(name: str) -> bool:
    """Return whether a ready network has this name."""
    return name in names()


def folder(name: str) -> Path:
    """Return the folder of a ready network."""
    return FOLDER / name


def card(name: str) -> Card:
    """Return the card of a ready network."""
    from pydantic import TypeAdapter  # its import takes as long as a small image

    return TypeAdapter(Card).validate_json((folder(name) / CARD).read_bytes())


def onnx_path(name: str, part: str = "network") -> Path:
    """Return the ONNX file of a ready network's part: `network`, `encoder` or `decoder`.

    Move it only together with the weights. `onnx.load` returns a model that contains them.
    """
    return folder(name) / f"{part}{ONNX}"


def weights_path(name: str) -> Path:
    """Return the safetensors file of a ready network: weights by their names in PyTorch."""
    return folder(name) / WEIGHTS
