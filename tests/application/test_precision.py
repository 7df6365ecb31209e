"""bfloat16 for inference: where it is used, and its errors."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autoencoders.application import colour
from autoencoders.application.network import Network
from autoencoders.application.precision import Float32Layer, has_bfloat16
from autoencoders.images.picture import Picture, to_depth
from autoencoders.variants.models import MODELS
from tests.application.test_tiling import IMAGE, network, noise
from tests.examples import example_model


@pytest.mark.parametrize("kind", MODELS)
def test_bfloat16_has_small_errors_and_the_output_has_no_steps(kind: str) -> None:
    exact = network(*example_model(kind, IMAGE), IMAGE)
    layers: Any = exact.network_for(*exact.input_shape[1:])
    assert sum(isinstance(layer, Float32Layer) for layer in layers.modules()) == 1
    image = noise(*exact.input_shape)
    expected, found = exact(image), replace(exact, bfloat16=True)(image)
    assert 0 < np.abs(found - expected).max() < 0.03
    assert found.dtype == np.float32
    as_bfloat16 = torch.from_numpy(found).bfloat16().float().numpy()
    assert (found != as_bfloat16).mean() > 0.9


@pytest.mark.parametrize("by_luma", [False, True])
@pytest.mark.parametrize(("bits", "expected"), [(8, True), (16, False), (32, False)])
def test_pictures_with_more_than_8_bits_are_computed_in_float32(
    bits: int, expected: bool, by_luma: bool
) -> None:
    autocast = []

    def run(image: Tensor) -> Tensor:
        autocast.append(torch.is_autocast_enabled("cpu"))
        return image

    shapes = IMAGE, IMAGE
    bfloat16 = Network("a", "a/a", *shapes, lambda *_: run, torch.device("cpu"), bfloat16=True)
    colours = to_depth(noise(3, 28, 28), bits)
    colour.apply_network(bfloat16, Picture(colours, depth=bits), by_luma)
    colour.apply_network(replace(bfloat16, bfloat16=False), Picture(colours, depth=bits), by_luma)
    n = len(autocast) // 2
    assert autocast == [expected] * n + [False] * n


@pytest.mark.slow
def test_a_processor_that_emulates_bfloat16_does_not_count() -> None:
    script = (
        "import torch; from autoencoders.application.precision import has_bfloat16;"
        "print(has_bfloat16(torch.device('cpu')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
    assert isinstance(has_bfloat16(torch.device("cpu")), bool)
