"""What the page shows of a network: its files, a description, and its latent plane."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from torch import from_numpy

from autoencoders import paths, ready
from autoencoders.application import choose
from autoencoders.application.find_variant import load
from autoencoders.application.network import Coder
from autoencoders.application.onnx_file import Part, to_onnx
from autoencoders.application.onnx_network import ready_coder
from autoencoders.application.torch_network import trained_coder
from autoencoders.datasets.prepared import Prepared
from autoencoders.errors import UserError
from autoencoders.figures.latent_experiments import Codes, plane_directions
from autoencoders.figures.page_content import spread_indices, view_limits
from autoencoders.figures.plots.latents import class_colours
from autoencoders.images.picture import to_floats
from autoencoders.param_types import ImageShape
from autoencoders.site import packaged_images
from autoencoders.site.drawing import DRAWN_SHAPE, apply_input, choose_examples, encoder_input
from autoencoders.site.packaged_images import PackagedImages
from autoencoders.trained.variant import Trained

WHOLE: tuple[Part, ...] = ("network",)
HALVES: tuple[Part, ...] = ("encoder", "decoder")
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
class Exhibit:
    """A network that the page shows.

    Attributes:
        name: a ready network's name, or `<dataset>/<variant>`.
        dataset: the name of its dataset.
        image_shape: the `(C, H, W)` of its images.
        entry: its resolved entry in params.yaml.
        coder: its encoder and decoder; None if a latent contains a copy of the input.
        has_prior: whether random latents give new images.
        content: returns the ONNX file of a part, with its weights.
    """

    name: str
    dataset: str
    image_shape: ImageShape
    entry: Mapping[str, Any]
    coder: Coder | None
    has_prior: bool
    content: Callable[[Part], bytes]

    def files(self) -> dict[Part, str]:
        """Return the names of its files: encoder and decoder, or the whole network."""
        prefix = self.name.replace("/", "-")
        return {part: f"{prefix}-{part}.onnx" for part in (HALVES if self.coder else WHOLE)}


def find(name: str) -> Exhibit:
    """Return a ready network, or the trained variant `<dataset>/<variant>` of this repository.

    Raises:
        UserError: there is none with this name, or its images are not grey or not 28×28 pixels.
    """
    exhibit = _ready(name) if choose.is_ready(name) else _trained(load(name))
    if exhibit.image_shape != DRAWN_SHAPE:
        channels, height, width = exhibit.image_shape
        colour = {1: "grey", 3: "colour"}[channels]
        raise UserError(
            f"{name}: found {colour} images of {width}×{height} pixels; allowed: networks for grey "
            "images of 28×28 pixels, such as those of mnist"
        )
    return exhibit


def _trained(trained: Trained) -> Exhibit:
    return Exhibit(
        trained.name,
        trained.description.dataset,
        trained.image_shape,
        trained.description.variant.model_dump(mode="json"),
        None if trained.latent_holds_input else trained_coder(trained),
        trained.prior is not None,
        lambda part: to_onnx(trained, part),
    )


def _ready(name: str) -> Exhibit:
    card = ready.card(name)

    def content(part: Part) -> bytes:
        model = onnx.load(ready.onnx_path(name, part))  # with the weights of the other file
        return model.SerializeToString(deterministic=True)

    return Exhibit(
        name,
        card.params["dataset"],
        card.image_shape,
        card.params["variant"],
        ready_coder(name) if card.latent else None,
        card.latent is not None and card.latent.prior is not None,
        content,
    )


def shown_images(dataset: str) -> PackagedImages | None:
    """Return evenly spaced test images of a dataset, or those of the package; None without both."""
    data = Prepared(paths.prepared(dataset))
    try:
        names, images, labels = data.metadata.class_names, data.images("test"), data.labels("test")
    except UserError:
        return packaged_images.load(dataset)
    indices = from_numpy(spread_indices(len(images), DRAWN_SHAPE))
    return PackagedImages(images[indices].numpy(), labels[indices].tolist(), [*names])


def describe_images(images: PackagedImages) -> dict[str, Any]:
    """Return classes and colours of images, and the indices of the examples, for networks.json."""
    return {
        "classes": images.classes,
        "class_names": images.class_names,
        "colours": class_colours(np.array(images.classes), len(images.class_names)),
        "examples": choose_examples(images.classes),
    }


def describe(exhibit: Exhibit, shown: PackagedImages | None) -> dict[str, Any]:
    """Return the description of a network for networks.json."""
    title, sentence = _words(exhibit)
    return {
        "name": exhibit.name,
        "dataset": exhibit.dataset,
        "title": title,
        "sentence": sentence,
        "files": list(exhibit.files().values()),
        "input": encoder_input(exhibit.entry["input"]),
        "latent_shape": exhibit.coder.latent_shape if exhibit.coder else None,
        "plane": _plane(exhibit, shown),
    }


def _words(exhibit: Exhibit) -> tuple[str, str]:
    """Return a title and a sentence in plain words."""
    size = exhibit.coder.latent_size if exhibit.coder else 0
    input, model, objective = (
        exhibit.entry[key]["kind"] for key in ("input", "model", "objective")
    )
    if input in RESTORING:
        title, what = RESTORING[input]
        middle = f" In its middle, the image is {size} numbers." if exhibit.coder else ""
        return title, f"{what}.{middle}"
    title = CODING.get(objective, "Autoencoder")
    if model.startswith("conv"):
        title = f"Convolutional {title[0].lower()}{title[1:]}"
    prior = " Random numbers give new images." if exhibit.has_prior else ""
    return title, f"It compresses 784 pixels into {size} numbers, and restores them.{prior}"


def _plane(exhibit: Exhibit, shown: PackagedImages | None) -> dict[str, Any] | None:
    """Return a plane of the latent space with the codes of the test images; None if it has none.

    The point `(x, y)` is the latent `origin + x·directions[0] + y·directions[1]`, flattened. Of
    more than two dimensions, these are the two in which the codes differ most.
    """
    coder = exhibit.coder
    if coder is None or (shown is None and coder.latent_size != 2):
        return None
    size = coder.latent_size
    origin: Codes = np.zeros(size)
    directions: Codes = np.eye(2)
    points, limits = np.empty((0, 2)), UNSEEN_LIMITS
    if shown is not None:
        inputs = apply_input(to_floats(shown.images), encoder_input(exhibit.entry["input"]))
        codes = coder.encode(inputs).reshape(len(inputs), size)
        if size != 2:
            origin, directions = codes.mean(axis=0), plane_directions(codes)
        points = (codes - origin) @ directions
        limits = view_limits(points)
    return {
        "origin": origin.round(DIGITS).tolist(),
        "directions": directions.T.round(DIGITS).tolist(),
        "limits": limits.round(DIGITS).tolist(),
        "points": points.round(DIGITS).tolist(),
    }
