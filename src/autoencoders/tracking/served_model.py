"""How an exported model is asked: with arrays, or with PNGs in base64.

A copy of this file lies in each exported model, and MLflow imports it from there, where there is
nothing else of this repository.
"""

import base64
import os
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import mlflow.pytorch
import numpy as np
import numpy.typing as npt
import torch
from mlflow.exceptions import MlflowException
from PIL import Image

MODES = {1: "L", 3: "RGB"}
FARTHEST = 1.0  # from [0, 1], beyond which noise may go; numbers up to 255 go further


Images = npt.NDArray[np.float32]


class PngOrArrays:
    """A network that answers arrays with arrays, and PNGs with PNGs.

    It is from images `(N, C, H, W)` to images `(N, C, H, W)`, both in [0, 1], and `shape` that of
    one that it takes, `(C, H, W)`.
    """

    def __init__(self, network: Callable[[Images], Images], shape: Sequence[int]) -> None:
        self.network = network
        self.shape = tuple(shape)

    def predict(self, data: npt.NDArray[Any]) -> Any:
        """Return what the network makes of one image or of any number of them.

        Args:
            data: images `(N, C, H, W)` or `(C, H, W)` in [0, 1], or PNGs as base64 `(N,)` or `()`.

        Returns:
            A float32 array; of PNGs, a list of as many, or one, as base64.

        Raises:
            MlflowException: it is neither; the server answers 400, and says why.
        """
        if _is_text(data):
            made = self.network(np.stack([self._read(text) for text in data.flat]))
            written = [_written(image) for image in made]
            return written if data.ndim else written[0]
        images = self._images(data)
        one = images.ndim == len(self.shape)
        return self.network(images[None])[0] if one else self.network(images)

    def _images(self, data: npt.NDArray[Any]) -> Images:
        sizes = (data.shape, data.shape[1:])
        if self.shape not in sizes or data.dtype.kind not in "fO":  # O is what JSON has become
            raise self._refused(f"an array {data.shape} of {data.dtype}")
        try:
            images = data.astype(np.float32)
        except (TypeError, ValueError):
            raise self._refused("an array of other things than numbers") from None
        low, high = (images.min(), images.max()) if images.size else (0, 0)
        if not (low >= -FARTHEST and high <= 1 + FARTHEST):  # numbers that are none are in no order
            raise self._refused(f"an array of numbers from {low:g} to {high:g}")
        return images

    def _read(self, text: object) -> Images:
        channels, height, width = self.shape
        try:
            content = base64.b64decode("".join(str(text).split()), validate=True)
            with Image.open(BytesIO(content), formats=["PNG"]) as opened:
                if opened.size != (width, height):  # before it is decoded
                    raise self._refused(f"a PNG of {opened.size[0]}×{opened.size[1]} pixels")
                if opened.mode.startswith("I"):
                    raise self._refused("a PNG of 16 bits")
                opened.load()
                pixels = np.asarray(_over_white(opened).convert(MODES[channels]), np.float32)
        except MlflowException:
            raise
        except Exception:  # a decoder may raise anything on a damaged file
            raise self._refused("a text that is no PNG in base64") from None
        return pixels.reshape(height, width, channels).transpose(2, 0, 1) / np.float32(255)

    def _refused(self, found: str) -> MlflowException:
        channels, height, width = self.shape
        images = f"(N, {channels}, {height}, {width}) or ({channels}, {height}, {width})"
        return MlflowException.invalid_parameter_value(
            f"found {found}; allowed: floating-point numbers in [0, 1], {images}, or PNGs in "
            f"base64 of {width}×{height} pixels and 8 bits per channel"
        )


def _is_text(data: npt.NDArray[Any]) -> bool:
    return data.dtype.kind == "U" or (data.size > 0 and isinstance(data.flat[0], str))


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white


def _written(image: Images) -> str:
    pixels = (image * 255).round().astype(np.uint8).transpose(1, 2, 0)
    stream = BytesIO()
    Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[:, :, 0]).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _load_pyfunc(path: str, model_config: dict[str, Any]) -> PngOrArrays:
    """Load the model, as MLflow asks the loader module that a model names.

    `path` is the folder of the network's files within the model's.
    """
    network = mlflow.pytorch.load_model(os.path.dirname(path))  # noqa: PTH120

    @torch.no_grad()
    def run(images: Images) -> Images:
        return network(torch.from_numpy(images)).numpy()

    return PngOrArrays(run, model_config["input_shape"])
