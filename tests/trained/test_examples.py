"""The picture of reconstructions after each epoch."""

from typing import Any

import pytest
import torch
from torch import Tensor

from autoencoders import params
from autoencoders.datasets.prepared import Metadata, Prepared
from autoencoders.param_types import ImageShape
from autoencoders.trained.examples import Examples
from autoencoders.variants.assembly import assemble
from tests.saved import PARAMS

VARIANTS = params.load(PARAMS).variants


class Images(Prepared):
    """A dataset in memory."""

    def __init__(self, images: Tensor) -> None:
        shape: Any = tuple(images.shape[1:])
        self.metadata = Metadata("blobs", "Blobs", "folder", (), shape, {}, "0" * 64)
        self._opened = {"validation": (images, torch.zeros(len(images)).long())}


@pytest.mark.parametrize("name", VARIANTS)
def test_inputs_are_above_outputs(name: str, blobs: Any) -> None:
    shape, variant = (1, 28, 28), VARIANTS[name]
    images = blobs(20, shape)
    trained = assemble(variant, shape, 1)
    before = torch.get_rng_state()
    examples = Examples(variant, Images(images), seed=1)
    picture = torch.from_numpy(examples.draw(trained.networks.state_dict()))
    assert torch.equal(torch.get_rng_state(), before)
    assert picture.shape == (2 * 56, 2 * 8 * 28, 1), "each pixel is 2×2 pixels of the picture"
    again = Examples(variant, Images(images), seed=1).draw(trained.networks.state_dict())
    assert torch.equal(picture, torch.from_numpy(again))
    picture = picture[::2, ::2]
    first = trained.model.eval()(examples.inputs[:1])[0, 0].detach()
    torch.testing.assert_close(picture[28:, :28, 0] / 255, first, rtol=0, atol=0.5 / 255 + 1e-6)
    if variant.input.kind == "clean":
        assert torch.equal(picture[:28, 28:56, 0], images[1, 0])


def test_a_picture_of_large_images_in_colour_shows_fewer(blobs: Any) -> None:
    shape: ImageShape = (3, 200, 200)
    variant = VARIANTS["conv"]
    networks = assemble(variant, shape, 1).networks
    picture = Examples(variant, Images(blobs(5, shape)), seed=1).draw(networks.state_dict())
    assert picture.shape == (400, 400, 3)
