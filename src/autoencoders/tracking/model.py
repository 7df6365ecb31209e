"""Export a trained network, log it in MLflow and register it."""

import contextlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.pytorch
import numpy as np
import torch
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Run
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature, infer_signature
from mlflow.types import Schema, TensorSpec

from autoencoders.param_types import Framework
from autoencoders.tracking import private

REQUIREMENTS = {
    "torch": ("mlflow", "numpy", "pillow", "torch"),
    "tensorflow": ("keras", "mlflow", "numpy"),
}
LOADER = Path(__file__).with_name(
    "served_model.py"
)  # is copied into each exported model and loads it
# With a numeric schema MLflow would refuse PNGs, which are strings in JSON. The loader checks the
# shapes of arrays instead.
ANY_ARRAY = Schema([TensorSpec(np.dtype(object), (-1,))])


@dataclass(frozen=True)
class TrainedModel:
    """A trained network to export and register.

    Attributes:
        network: a PyTorch module on the CPU, in eval mode, or a Keras model: from images
            `(N, *input_shape)`, float32 in [0, 1], to float32 `(N, ...)`.
        input_shape: `(C, H, W)`; `(H, W, C)` for a Keras model.
        weights_sha256: digest of the weights file, by which `evaluate` finds the logged model.
        registered_name: the name in the model registry, `<dataset>-<variant>`.
        framework: the framework of the network.
    """

    network: Any
    input_shape: tuple[int, ...]
    weights_sha256: str
    registered_name: str
    framework: Framework = "torch"


def export(model: TrainedModel, folder: Path) -> Model:
    """Write a model in MLflow's format: a `torch.export` program or a Keras model.

    With the loader `served_model`, the program also takes PNGs in base64.

    Args:
        model: the network; its export takes batches of any size.
        folder: a new folder.

    Returns:
        The content of the file `MLmodel` in the folder.
    """
    shape = (2, *model.input_shape)  # torch.export treats a batch size of 1 as a constant
    example = np.linspace(0, 1, num=int(np.prod(shape)), dtype=np.float32).reshape(shape)
    description, packages = Model(), REQUIREMENTS[model.framework]
    options: dict[str, Any] = {
        "mlflow_model": description,
        "input_example": example,
        "pip_requirements": [f"{name}=={version(name).split('+')[0]}" for name in packages],
    }
    with contextlib.redirect_stderr(io.StringIO()):  # torch.export prints details of its failures
        if model.framework == "tensorflow":
            from mlflow import tensorflow  # imports TensorFlow

            signature = infer_signature(example, np.asarray(model.network(example)))
            tensorflow.save_model(model.network, folder, signature=signature, **options)
            return description
        with torch.no_grad():
            output = model.network(torch.from_numpy(example)).numpy()
        signature = ModelSignature(ANY_ARRAY, infer_signature(example, output).outputs)
        mlflow.pytorch.save_model(
            model.network,
            folder,
            signature=signature,
            serialization_format="pt2",
            code_paths=[os.fspath(LOADER)],
            **options,
        )
    private.set_loader(description, LOADER.stem, {"input_shape": list(model.input_shape)})
    return description


def register(
    client: MlflowClient,
    model: TrainedModel,
    *,
    description: Model,
    folder: Path,
    run: Run,
    tags: Mapping[str, str],
    version_tags: Mapping[str, str],
) -> None:
    """Log an exported model as an output of a run and register it as a new version."""
    weights_tag = {"weights.sha256": model.weights_sha256}
    logged = client.create_logged_model(
        run.info.experiment_id,
        name=model.registered_name,
        source_run_id=run.info.run_id,
        params=run.data.params,
        tags={**tags, **weights_tag},
    )
    description.model_id = description.model_uuid = logged.model_id
    description.run_id = run.info.run_id
    description.artifact_path = logged.artifact_location
    description.save(folder / "MLmodel")
    client.log_model_artifacts(logged.model_id, os.fspath(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run.info.run_id, [LoggedModelOutput(logged.model_id, step=0)])
    try:
        client.create_registered_model(model.registered_name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # MLflow would look up a source `models:/<id>` in its global store.
    registered = client.create_model_version(
        model.registered_name,
        source=logged.artifact_location,
        run_id=run.info.run_id,
        model_id=logged.model_id,
        tags={**version_tags, **weights_tag},
        await_creation_for=0,
    )
    private.link_version(client, logged.model_id, registered)


def find(client: MlflowClient, experiment_id: str, weights_sha256: str) -> str | None:
    """Return the id of the newest logged model with these weights, or None."""
    models = client.search_logged_models(
        [experiment_id],
        f"tags.`weights.sha256` = '{weights_sha256}'",
        max_results=1,
        order_by=[{"field_name": "creation_timestamp", "ascending": False}],
    )
    return str(models[0].model_id) if models else None
