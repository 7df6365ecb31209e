"""A model from MLflow as a network for images."""

from autoencoders.application.network import Network
from autoencoders.errors import UserError
from autoencoders.images.picture import CHANNELS, Floats
from autoencoders.tracking import registered


def registered_network(uri: str) -> Network:
    """Return a model from MLflow as a network, for images of the size in its signature.

    Raises:
        UserError: the model cannot be loaded, or does not map images to images.
    """
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
