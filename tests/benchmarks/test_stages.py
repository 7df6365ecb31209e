"""The benchmark of stages: its commands and its small params."""

import shutil
from pathlib import Path

from autoencoders import params, paths
from autoencoders.pipeline import STAGES
from benchmarks import small, stages
from tests.saved import PARAMS


def test_every_stage_is_timed() -> None:
    assert list(stages.COMMANDS) == ["import torch", *(stage.name for stage in STAGES)]
    assert stages.COMMANDS["train"] == ("autoencoders", "train", "mnist", "conv")
    assert stages.COMMANDS["report"] == ("autoencoders", "report")


def test_every_variant_can_be_made_small(tmp_path: Path) -> None:
    path = tmp_path / paths.PARAMS
    shutil.copy(PARAMS, path)
    shipped = params.load(path)
    small.write(path, ["mnist", "cifar10"], ["conv", "vae"], epochs=1)
    smaller = params.load(path)
    assert (smaller.datasets_to_run, smaller.variants_to_run) == (
        ["mnist", "cifar10"],
        ["conv", "vae"],
    )
    assert list(smaller.variants) == list(shipped.variants)
    for name, variant in smaller.variants.items():
        assert variant.model.kind == shipped.variants[name].model.kind
        assert variant.training.epochs == 1
