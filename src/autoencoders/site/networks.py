"""What the page shows of a trained variant: its files, a description, and its latent plane."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoencoders.application.onnx_file import Part, to_onnx
from autoencoders.datasets.prepared import Prepared
from autoencoders.errors import UserError
from autoencoders.figures.latent_experiments import Codes, plane_directions
from autoencoders.figures.page_content import spread_indices, view_limits
from autoencoders.figures.plots.latents import class_colours
from autoencoders.site.drawing import DRAWN_SHAPE, choose_examples, encoder_input
from autoencoders.trained.pairs import encode_pairs, pairs
from autoencoders.trained.variant import Trained

UNSEEN_LIMITS = np.array([[-3.0, 3.0]] * 2)  # of a plane without test images
DIGITS = 4  # after the decimal point of a number of the plane

# The title for the input, and what the network does to it.
RESTORING = {
    "noisy": ("Denoiser", "It removes noise from the drawing"),
    "downsampled": ("Upscaler", "It gets fewer pixels of the drawing, and adds the others"),
    "noisy_downsampled": (
        "Upscaler and denoiser",
        "It gets fewer pixels of the drawing, with noise; it adds pixels and removes the noise",
    ),
}
# The title of a network with a clean input, by its objective.
CODING = {
    "variational": "Variational autoencoder",
    "adversarial": "Adversarial autoencoder",
    "wasserstein": "Wasserstein autoencoder",
}


@dataclass(frozen=True)
class ShownImages:
    """The test images of a dataset that the page shows.

    Attributes:
        images: `(N, 1, 28, 28)`, uint8.
        content: their classes and colours, and the indices of the examples, for networks.json.
    """

    images: Tensor
    content: dict[str, Any]


def require_drawable(trained: Trained) -> None:
    """Raise a `UserError` unless the variant's images are grey and have 28×28 pixels."""
    if trained.image_shape != DRAWN_SHAPE:
        channels, height, width = trained.image_shape
        colour = {1: "grey", 3: "colour"}[channels]
        raise UserError(
            f"{trained.name}: found {colour} images of {width}×{height} pixels; allowed: variants "
            "of grey images of 28×28 pixels, such as those of mnist"
        )


def shown_images(data: Prepared) -> ShownImages | None:
    """Return evenly spaced test images of a dataset; None if it is not prepared."""
    try:
        names, images, labels = data.metadata.class_names, data.images("test"), data.labels("test")
    except UserError:
        return None
    indices = torch.from_numpy(spread_indices(len(images), DRAWN_SHAPE))
    classes = labels[indices].tolist()
    content = {
        "classes": classes,
        "class_names": names,
        "colours": class_colours(labels.numpy(), len(names)),
        "examples": choose_examples(classes),
    }
    return ShownImages(images[indices], content)


def files_of(trained: Trained) -> dict[str, bytes]:
    """Return the network's ONNX files by name: encoder and decoder, or the whole network.

    A latent that contains a copy of the input is no code, so such a network stays whole.
    """
    parts: tuple[Part, ...] = ("encoder", "decoder")
    if trained.latent_holds_input:
        parts = ("network",)
    prefix = trained.name.replace("/", "-")
    return {f"{prefix}-{part}.onnx": to_onnx(trained, part) for part in parts}


def content_of(trained: Trained, files: list[str], shown: ShownImages | None) -> dict[str, Any]:
    """Return the description of a variant for networks.json; `files` are its ONNX files."""
    title, sentence = _describe(trained)
    return {
        "name": trained.name,
        "dataset": trained.description.dataset,
        "title": title,
        "sentence": sentence,
        "files": files,
        "input": encoder_input(trained.description.variant.input.model_dump(mode="json")),
        "latent_shape": trained.latent_shape,
        "plane": _plane(trained, shown),
    }


def _describe(trained: Trained) -> tuple[str, str]:
    """Return a title and a sentence in plain words."""
    variant, size = trained.description.variant, trained.latent_size
    if variant.input.kind in RESTORING:
        title, what = RESTORING[variant.input.kind]
        return title, f"{what}." if trained.latent_holds_input else (
            f"{what}. In its middle, the image is {size} numbers."
        )
    title = CODING.get(variant.objective.kind, "Autoencoder")
    kind = "Convolutional" if variant.model.kind.startswith("conv") else ""
    title = f"{kind} {title[0].lower()}{title[1:]}" if kind else title
    prior = "" if trained.prior is None else " Random numbers give new images."
    return title, f"It compresses 784 pixels into {size} numbers, and restores them.{prior}"


def _plane(trained: Trained, shown: ShownImages | None) -> dict[str, Any] | None:
    """Return a plane of the latent space with the codes of the test images; None if it has none.

    The point `(x, y)` is the latent `origin + x·directions[0] + y·directions[1]`, flattened. Of
    more than two dimensions, these are the two in which the codes differ most.
    """
    if trained.latent_holds_input or (shown is None and trained.latent_size != 2):
        return None
    origin: Codes = np.zeros(trained.latent_size)
    directions: Codes = np.eye(2)
    points, limits = np.empty((0, 2)), UNSEEN_LIMITS
    if shown is not None:
        codes = _codes(trained, shown.images)
        if trained.latent_size != 2:
            origin, directions = codes.mean(axis=0), plane_directions(codes)
        points = (codes - origin) @ directions
        limits = view_limits(points)
    return {
        "origin": origin.round(DIGITS).tolist(),
        "directions": directions.T.round(DIGITS).tolist(),
        "limits": limits.round(DIGITS).tolist(),
        "points": points.round(DIGITS).tolist(),
    }


def _codes(trained: Trained, images: Tensor) -> Codes:
    """Return the latents `(N, D)` of test images, as the encoder gets them."""
    seed, device = trained.description.seed, trained.device
    given = pairs(trained.input, images, seed, "test", trained.batch_size, device)
    codes: Codes = encode_pairs(trained.model.encode, given).flatten(1).numpy()
    return codes
