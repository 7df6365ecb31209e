"""Load registered models from MLflow."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow.pyfunc
import numpy as np
import numpy.typing as npt
from mlflow import MlflowClient

from autoencoders import paths
from autoencoders.errors import UserError
from autoencoders.tracking import private, store

Images = npt.NDArray[np.float32]
FORMS = "models:/<name>/<version>, models:/<name>@<alias> or runs:/<run>/<path>"


@dataclass(frozen=True)
class RegisteredModel:
    """A model from images `(N, *input_shape)` to images `(N, *output_shape)`, both float32.

    The shapes are `(C, H, W)`, or `(H, W, C)` for a Keras model.
    """

    name: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    predict: Callable[[Images], Images]


def load(uri: str) -> RegisteredModel:
    """Load a model from the tracking server or database.

    Raises:
        UserError: the URI is not the URI of a model, or the model cannot be loaded.
    """
    scheme, _, path = uri.partition(":/")
    if scheme not in ("models", "runs") or not path:
        raise UserError(f"--model: found {uri!r}; allowed: {FORMS}")
    try:
        with store.silenced():
            model = _load(uri)
            signature = model.metadata.signature
            # `model.export` stores the input shape of PyTorch models only.
            input_shape = (
                model.model_config.get("input_shape") or signature.inputs.inputs[0].shape[1:]
            )
            output_shape = signature.outputs.inputs[0].shape[1:]
    except Exception as error:
        raise UserError(
            f"--model: found {uri!r}, which cannot be loaded from MLflow at {store.tracking_uri()} "
            f"({store.reason(error)}); allowed: {FORMS}"
        ) from error
    parts = path.strip("/").split("/")
    name = parts[0].split("@")[0] if scheme == "models" else parts[-1]
    return RegisteredModel(name, tuple(input_shape), tuple(output_shape), model.predict)


def weights(uri: str) -> bytes:
    """Return the weights of a version of a model, `models:/NAME@ALIAS` or `models:/NAME/VERSION`.

    They are the file that the version's training has logged, in the format safetensors.

    Raises:
        UserError: there is no such version, or its training has logged no weights.
    """
    name, _, alias = uri.partition(":/")[2].partition("@")
    try:
        with store.silenced(), store.open_to_load() as (address, _), TemporaryDirectory() as folder:
            client = MlflowClient(address)
            if alias:
                version = client.get_model_version_by_alias(name, alias)
            else:
                version = client.get_model_version(*name.rsplit("/", 1))
            file = client.download_artifacts(str(version.run_id), paths.WEIGHTS, folder)
            return Path(file).read_bytes()
    except Exception as error:
        raise UserError(
            f"training.initial_weights: found {uri!r}, which cannot be loaded from MLflow at "
            f"{store.tracking_uri()} ({store.reason(error)}); allowed: models:/NAME@champion or "
            "models:/NAME/VERSION of a model that a training has logged"
        ) from error


def _load(uri: str) -> Any:
    with store.open_to_load() as (address, folder), private.default_store(address):
        return mlflow.pyfunc.load_model(uri, dst_path=folder)
