"""The autoencoder that starts as principal component analysis."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autoencoders.datasets import stand_ins
from autoencoders.training.settings import Variant
from autoencoders.training.train import train
from autoencoders.variants.assembly import Assembled, assemble
from tests.training.helpers import Blobs, ProgressLog, identical, settings, weights

COMPONENTS = 8
VARIANT = Variant.model_validate(
    {
        "input": {"kind": "clean"},
        "model": {
            "kind": "pca_ae",
            "latent_size": COMPONENTS,
            "hidden": 32,
            "width": 8,
            "blocks": 1,
        },
        "objective": {"kind": "reconstruction", "loss": "mse"},
        "training": settings(4, 32, schedule={"kind": "one_cycle", "warmup": 0.2}).model_dump(),
    }
)


def images(split: Any, count: int) -> Tensor:
    """Return stand-ins for MNIST, uint8 `(count, 1, 28, 28)`."""
    return torch.from_numpy(stand_ins.generate("mnist", split, count, 1)[0]).view(-1, 1, 28, 28)


def pca(train_images: Tensor, seen: Tensor) -> Tensor:
    """Return `seen` as the principal components of `train_images` reconstruct it, in [0, 1]."""
    x, y = (images.flatten(1).double().numpy() / 255 for images in (train_images, seen))
    mean = x.mean(0)
    directions = np.linalg.svd(x - mean, full_matrices=False)[2][:COMPONENTS]
    reconstructed = mean + (y - mean) @ directions.T @ directions
    return torch.from_numpy(reconstructed).clamp(1e-3, 1 - 1e-3).float().view(seen.shape)


def started(train_images: Tensor, initialization: Any = "default") -> Assembled:
    """Return an untrained variant that has seen the training images."""
    channels, height, width = train_images.shape[1:]
    assembled = assemble(VARIANT, (channels, height, width), initialization=initialization)
    assembled.model.start_from(train_images)
    return assembled


@pytest.mark.parametrize("initialization", ["default", "kaiming"])
def test_before_training_it_reconstructs_as_pca_does(initialization: str) -> None:
    seen, unseen = images("train", 200), images("test", 50)
    model = started(seen, initialization).model
    torch.testing.assert_close(model(unseen / 255), pca(seen, unseen), atol=1e-4, rtol=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_short_training_beats_pca(precision: str) -> None:
    training = VARIANT.training.model_dump() | {"precision": precision}
    variant = Variant.model_validate(VARIANT.model_dump() | {"training": training})
    seen, unseen = images("train", 1600), images("test", 200)
    model = train(seen, unseen, variant, 1).variant.model
    with torch.no_grad():
        errors = [
            (x - unseen / 255).square().mean() for x in (model(unseen / 255), pca(seen, unseen))
        ]
    assert errors[0] < 0.9 * errors[1]


def test_fewer_images_than_components_are_reconstructed_exactly(blobs: Blobs) -> None:
    few = blobs(3)
    model = started(few).model
    torch.testing.assert_close(model(few / 255), (few / 255).clamp(1e-3, 1 - 1e-3))


def test_many_images_are_sampled_evenly(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoencoders.variants.models.pca.FITTED_IMAGES", 20)
    many = blobs(50)
    assert identical(weights(started(many)), weights(started(many[::3])))


def test_a_resumed_training_has_the_same_results(blobs: Blobs, tmp_path: Any) -> None:
    data = blobs(40), blobs(8, seed=1)
    expected = train(*data, VARIANT, 1)
    with pytest.raises(KeyboardInterrupt):
        train(*data, VARIANT, 1, folder=tmp_path, progress=ProgressLog(stop_at_epoch=2))
    done = train(*data, VARIANT, 1, folder=tmp_path)
    assert done.history == expected.history
    assert identical(weights(done.variant), weights(expected.variant))


def test_a_smaller_input_is_an_error() -> None:
    halved = {"input": {"kind": "downsampled", "factor": 2, "reduction": "average"}}
    with pytest.raises(ValueError, match="smaller than the image; allowed: a clean or a noisy"):
        assemble(Variant.model_validate(VARIANT.model_dump() | halved), (1, 8, 8))


def test_an_odd_size_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"found images of 8×7; allowed for this kind: .* of 2$"):
        assemble(VARIANT, (1, 8, 7))
