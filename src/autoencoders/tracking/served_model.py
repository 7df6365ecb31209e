"""The loader of an exported model, which takes arrays or PNGs in base64.

Each exported model has a copy of this file. MLflow imports the copy without this repository.
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
MARGIN = 1.0  # noisy inputs may leave [0, 1] by this much; values up to 255 are refused

Images = npt.NDArray[np.float32]


class PngOrArrays:
    """A network that maps arrays to arrays, and PNGs to PNGs.

    Attributes:
        network: from images `(N, C, H, W)` to images `(N, C, H', W')`, both float32 in [0, 1].
        shape: the shape `(C, H, W)` of an input.
    """

    def __init__(self, network: Callable[[Images], Images], shape: Sequence[int]) -> None:
        self.network = network
        self.shape = tuple(shape)

    def predict(self, data: npt.NDArray[Any]) -> Any:
        """Apply the network to one image or a batch.

        Args:
            data: images `(N, C, H, W)` or `(C, H, W)` in [0, 1], or PNGs in base64 `(N,)` or `()`.

        Returns:
            A float32 array; for PNGs a list of N PNGs in base64, or one.

        Raises:
            MlflowException: the data is neither. MLflow's server answers with the status 400.
        """
        if _is_text(data):
            outputs = self.network(np.stack([self._decode_png(text) for text in data.flat]))
            pngs = [_encode_png(image) for image in outputs]
            return pngs if data.ndim else pngs[0]
        images = self._checked(data)
        single = images.ndim == len(self.shape)
        return self.network(images[None])[0] if single else self.network(images)

    def _checked(self, data: npt.NDArray[Any]) -> Images:
        shapes = (data.shape, data.shape[1:])
        if self.shape not in shapes or data.dtype.kind not in "fO":  # O: parsed from JSON
            raise self._refused(f"an array {data.shape} of {data.dtype}")
        try:
            images = data.astype(np.float32)
        except (TypeError, ValueError):
            raise self._refused("an array of values that are no numbers") from None
        low, high = (images.min(), images.max()) if images.size else (0, 0)
        if not (low >= -MARGIN and high <= 1 + MARGIN):  # also refuses NaN
            raise self._refused(f"an array of numbers from {low:g} to {high:g}")
        return images

    def _decode_png(self, text: object) -> Images:
        channels, height, width = self.shape
        try:
            content = base64.b64decode("".join(str(text).split()), validate=True)
            with Image.open(BytesIO(content), formats=["PNG"]) as opened:
                if opened.size != (width, height):  # checked before decoding
                    raise self._refused(f"a PNG of {opened.size[0]}×{opened.size[1]} pixels")
                if opened.mode.startswith("I"):
                    raise self._refused("a PNG of 16 bits")
                opened.load()
                pixels = np.asarray(_over_white(opened).convert(MODES[channels]), np.float32)
        except MlflowException:
            raise
        except Exception:  # Pillow may raise any exception for a damaged file
            raise self._refused("a string that is not a PNG in base64") from None
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


def _encode_png(image: Images) -> str:
    pixels = (image * 255).round().astype(np.uint8).transpose(1, 2, 0)
    stream = BytesIO()
    Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[:, :, 0]).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _load_pyfunc(path: str, model_config: dict[str, Any]) -> PngOrArrays:
    """Load the model; MLflow calls this function of the loader module.

    `path` is the folder of the network's files inside the model's folder.
    """
    network = mlflow.pytorch.load_model(os.path.dirname(path))  # noqa: PTH120

    @torch.no_grad()
    def run(images: Images) -> Images:
        return network(torch.from_numpy(images)).numpy()

    return PngOrArrays(run, model_config["input_shape"])
