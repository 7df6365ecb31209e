"""The trained network that the user names; torch and MLflow are imported only if it needs them."""

from dataclasses import replace
from functools import cache

from autoencoders import ready
from autoencoders.application.network import Coder, Network, Precision, Run
from autoencoders.application.onnx_network import ready_coder, ready_network
from autoencoders.errors import UserError, nearest
from autoencoders.images.picture import CHANNELS, Floats


def network(requested: str, precision: Precision) -> Network:
    """Return a ready network, or the trained variant `<dataset>/<variant>` of this repository.

    With `precision` auto, a ready network uses PyTorch for large images where it is faster.

    Raises:
        UserError: there is none with this name.
    """
    if is_ready(requested):
        found = ready_network(requested)
        return _faster_for_large_images(found) if precision == "auto" else found
    from autoencoders.application.find_variant import load
    from autoencoders.application.torch_network import trained_network

    return trained_network(load(requested), precision)


def _faster_for_large_images(network: Network) -> Network:
    """Return a ready network that computes large images with PyTorch where this is faster."""

    @cache
    def run_large() -> Run:
        try:
            from autoencoders.application.torch_network import run_of_ready
        except ModuleNotFoundError:  # the base installation
            return network.run
        return run_of_ready(network.name) or network.run

    return replace(network, run_large=run_large)


def coder(requested: str) -> Coder:
    """Return the encoder and the decoder of the network with this name.

    Raises:
        UserError: there is none with this name, or it has no latents.
    """
    if is_ready(requested):
        return ready_coder(requested)
    from autoencoders.application.find_variant import load
    from autoencoders.application.torch_network import trained_coder

    return trained_coder(load(requested))


def registered_network(uri: str) -> Network:
    """Return a model from MLflow as a network, for images of the size in its signature.

    Raises:
        UserError: the model cannot be loaded, or does not map images to images.
    """
    from autoencoders.tracking import registered

    model = registered.load(uri)
    match model.input_shape, model.output_shape:
        case (int(c), int(h), int(w)), (int(k), int(height), int(width)) if c == k in CHANNELS:
            shapes = (c, h, w), (k, height, width)
        case input_shape, output_shape:
            raise UserError(
                f"--model: found {uri!r}, which maps {input_shape} to {output_shape}; allowed: a "
                "model from images (channels, height, width) to images with the same channels"
            )

    def run(image: Floats, exact: bool) -> Floats:
        output: Floats = model.predict(image[None])[0]
        return output

    return Network(model.name, uri, *shapes, run)


def is_ready(requested: str) -> bool:
    """Return whether a name is that of a ready network, and not `<dataset>/<variant>`.

    Raises:
        UserError: it is neither.
    """
    if "/" in requested:
        return False
    if ready.is_ready(requested):
        return True
    raise UserError(
        f"found {requested!r}{nearest(requested, ready.names())}; allowed: a name that "
        "`autoencoders models` lists, or <dataset>/<variant> of a repository"
    )
