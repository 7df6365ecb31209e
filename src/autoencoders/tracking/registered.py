"""Models that MLflow has, for use without what they were trained from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mlflow.pyfunc
import numpy as np
import numpy.typing as npt

from autoencoders.errors import UserError
from autoencoders.tracking import private, store

Images = npt.NDArray[np.float32]
FORMS = "models:/<name>/<version>, models:/<name>@<alias> or runs:/<run>/<path>"


@dataclass(frozen=True)
class RegisteredModel:
    """A model from images `(N, *input_shape)` to images `(N, *output_shape)`, both float32.

    The shapes are of an image `(C, H, W)`, of Keras's `(H, W, C)`.
    """

    name: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    predict: Callable[[Images], Images]


def load(uri: str) -> RegisteredModel:
    """Load a model from the tracking server or database.

    Raises:
        UserError: the URI is none of a model's, or what it names cannot be loaded.
    """
    scheme, _, path = uri.partition(":/")
    if scheme not in ("models", "runs") or not path:
        raise UserError(f"--model: found {uri!r}; allowed: {FORMS}")
    try:
        with store.silenced():
            model = _load(uri)
            signature = model.metadata.signature
            # Where `model.export` says nothing of it, the signature does.
            given = model.model_config.get("input_shape") or signature.inputs.inputs[0].shape[1:]
            made = signature.outputs.inputs[0].shape[1:]
    except Exception as error:
        where = store.without_password(store.tracking_uri())
        raise UserError(
            f"--model: found {uri!r}, which cannot be loaded from MLflow at {where} "
            f"({store.reason(error)}); allowed: {FORMS}"
        ) from error
    parts = path.strip("/").split("/")
    name = parts[0].split("@")[0] if scheme == "models" else parts[-1]
    return RegisteredModel(name, tuple(given), tuple(made), model.predict)


def _load(uri: str) -> Any:
    store.connect()
    with private.default_store(store.tracking_uri()):
        return mlflow.pyfunc.load_model(uri)
