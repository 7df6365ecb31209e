"""Tests the stage that measures raw pixels as features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from autoencoders import files, params, paths, tracking
from autoencoders.datasets import prepared
from autoencoders.param_types import Bytes
from autoencoders.pipeline import Item
from autoencoders.stages import pixels
from tests.saved import PARAMS

SIZES = {"train": 300, "validation": 60, "test": 100}


def split(name: str, classes: int) -> tuple[Bytes, Bytes]:
    """Return noisy images `(N, 1, 8, 8)`, brighter for higher classes, and the classes `(N,)`."""
    rng = np.random.default_rng(SIZES[name])
    labels = rng.integers(0, classes, SIZES[name]).astype(np.uint8)
    images = rng.integers(0, 200, (SIZES[name], 1, 8, 8)) + 15 * labels[:, None, None, None]
    return images.astype(np.uint8), labels


@pytest.mark.parametrize("classes", [1, 3])
def test_raw_pixels_are_measured_as_features_unless_there_is_one_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    monkeypatch.chdir(tmp_path)
    metadata = prepared.Metadata(
        *("mnist", "MNIST", "stand-in", ("a", "b", "c")[:classes], (1, 8, 8)),
        splits={},
        sha256="0" * 64,
    )
    monkeypatch.setattr(prepared, "load_metadata", lambda folder: metadata)
    monkeypatch.setattr(prepared, "load", lambda folder, name: split(name, classes))
    item = Item("pixels", "mnist")
    summary = pixels.produce(params.load(PARAMS), item, tracking.NullRun())
    measured = files.read_json(paths.pixels("mnist"))
    assert measured["source"] == "stand-in"
    if classes == 1:
        assert "have one class" in summary
        assert set(measured) == {"dataset", "source"}
        return
    vectors, labels = zip(*(split(name, classes) for name in ("train", "test")), strict=True)
    train, test = (torch.from_numpy(images).flatten(1).float() / 255 for images in vectors)
    reference = KNeighborsClassifier(10).fit(train, labels[0])
    assert measured["knn_accuracy"] == pytest.approx(reference.score(test, labels[1]), abs=0.02)
    assert {"probe_accuracy", "probe_accuracy_100", "neighbour_disagreement"} < set(measured)
    assert {"probe_accuracy_100_std", "knn_accuracy_100_std"} < set(measured)
