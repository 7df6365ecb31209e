"""The description of a run's data for MLflow. The data is not uploaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from mlflow.data.schema import TensorDatasetSchema
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.types import Schema, TensorSpec

UINT8 = np.dtype(np.uint8)

SHORT_DIGEST = 8  # as in MLflow's own datasets; it stores up to 36 characters


@dataclass(frozen=True)
class DataUsed:
    """The images that a stage reads.

    Attributes:
        name: the dataset, `mnist`.
        source: `official`, `stand-in` or `folder`.
        sha256: digest of the files that the stage reads.
        path: the folder of these files, relative to the repository root.
        splits: the shape `(N, C, H, W)` of each split's uint8 images.
        test_sha256: digest of the test images; "" before they exist.
    """

    name: str
    source: str
    sha256: str
    path: str
    splits: Mapping[str, tuple[int, ...]]
    test_sha256: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags `data.sha256` and `data.source`."""
        return {"data.sha256": self.sha256, "data.source": self.source}

    @property
    def digest(self) -> str:
        """Return the short digest that MLflow shows beside the name."""
        return self.sha256[:SHORT_DIGEST]


def as_input(data: DataUsed, context: str) -> DatasetInput:
    """Return data as an input of a run: name, digest, path and shapes."""
    tensors = [TensorSpec(UINT8, shape, split) for split, shape in data.splits.items()]
    counts = {split: shape[0] for split, shape in data.splits.items()}
    dataset = Dataset(
        name=data.name,
        digest=data.digest,
        source_type="local",
        source=json.dumps({"uri": data.path}),
        schema=json.dumps(TensorDatasetSchema(Schema([*tensors])).to_dict()) if tensors else None,
        profile=json.dumps({"source": data.source, "sha256": data.sha256, "images": counts}),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", context)])
