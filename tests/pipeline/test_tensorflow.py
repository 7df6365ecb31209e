"""The whole pipeline on a variant that is trained with TensorFlow."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoencoders import paths
from autoencoders.training.tensorflow import supported
from benchmarks import small
from tests.saved import clone

VARIANT = "aae_tensorflow"
WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoTorch())
import mlflow, numpy as np
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.tensorflow.load_model("models:/mnist-aae_tensorflow-keras/1")
images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
np.save("images.npy", images)
np.save("keras.npy", model.predict(images, verbose=0))
"""
WITH_TORCH = """
import mlflow, numpy as np
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.pyfunc.load_model("models:/mnist-aae_tensorflow/1")
torch = model.predict(np.load("images.npy").transpose(0, 3, 1, 2))
np.testing.assert_allclose(torch.transpose(0, 2, 3, 1), np.load("keras.npy"), atol=1e-5)
"""


@pytest.mark.skipif(not supported.installed(), reason="the extra `tensorflow` is not installed")
def test_a_tensorflow_variant_is_evaluated_drawn_and_registered(
    tmp_path: Path,
    run: Callable[..., subprocess.CompletedProcess[str]],
    environment: dict[str, str],
) -> None:
    repository = clone(tmp_path / "clone", ["aae"], environment)
    run(repository, "autoencoders", "add", VARIANT)
    small.write(repository / paths.PARAMS, ["mnist"], [VARIANT], epochs=1)
    run(repository, "autoencoders", "repro", "--jobs", "2")
    metrics = json.loads((repository / f"reports/metrics/mnist/{VARIANT}.json").read_text())
    weights = repository / f"models/mnist/{VARIANT}/model.safetensors"
    assert metrics["model_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (repository / f"reports/figures/mnist/{VARIANT}/reconstructions.png").exists()
    for script in (WITHOUT_TORCH, WITH_TORCH):
        run(repository, sys.executable, "-c", script)
