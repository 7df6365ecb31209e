"""bfloat16 for inference: where it is used, and its errors."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from autoencoders.application import colour
from autoencoders.application.network import Network
from autoencoders.application.torch_network import Float32Layer, has_bfloat16, network_of
from autoencoders.images.picture import Floats, Picture, to_depth
from autoencoders.variants.models import MODELS
from tests.application.test_tiling import IMAGE, assembly, builder, noise
from tests.examples import example_model


@pytest.mark.parametrize("kind", MODELS)
def test_bfloat16_has_small_errors_and_the_output_has_no_steps(kind: str) -> None:
    input, model = example_model(kind, IMAGE)
    built = builder(assembly(input, model, IMAGE), model)
    layers = built.build(*built.input_shape[1:]).modules()
    assert sum(isinstance(layer, Float32Layer) for layer in layers) == 1
    network = network_of("test", "test/test", built, torch.device("cpu"), bfloat16=True)
    image = noise(*built.input_shape)
    expected, found = network(image), network(image, exact=False)
    assert 0 < np.abs(found - expected).max() < 0.03
    assert found.dtype == np.float32
    as_bfloat16 = torch.from_numpy(found).bfloat16().float().numpy()
    assert (found != as_bfloat16).mean() > 0.9


@pytest.mark.parametrize("by_luma", [False, True])
@pytest.mark.parametrize(("bits", "expected"), [(8, False), (16, True), (32, True)])
def test_pictures_with_more_than_8_bits_are_computed_exactly(
    bits: int, expected: bool, by_luma: bool
) -> None:
    calls = []

    def run(tile: Floats, exact: bool) -> Floats:
        calls.append(exact)
        return tile

    colours = to_depth(noise(3, 28, 28), bits)
    network = Network("a", "a/a", IMAGE, IMAGE, run)
    colour.apply_network(network, Picture(colours, depth=bits), by_luma)
    assert set(calls) == {expected}


@pytest.mark.slow
def test_a_processor_that_emulates_bfloat16_does_not_count() -> None:
    script = (
        "import torch; from autoencoders.application.torch_network import has_bfloat16;"
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
