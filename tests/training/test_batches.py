"""The batches of images in the training loop."""

from pathlib import Path

import numpy as np
import torch

from autoencoders.variants.inputs import Clean
from autoencoders.variants.objectives.reconstruction import Reconstruction
from tests.training.helpers import (
    Blobs,
    ProgressLog,
    RecordedInput,
    identical,
    plain,
    run,
    settings,
    variant,
    weights,
)


def test_the_last_partial_batch_is_dropped_in_training_only(blobs: Blobs) -> None:
    recorded, log = RecordedInput(Clean()), ProgressLog()
    subject = variant(plain(), Reconstruction("bce"), recorded)
    run(subject, blobs(21), blobs(13), settings(epochs=2, batch_size=8), progress=log)
    sizes = [len(batch) for batch in recorded.images]
    assert sizes == [8, 8, 13, 8, 8, 13]
    assert log.steps == 4


def test_fewer_images_than_a_batch_are_one_batch(blobs: Blobs) -> None:
    recorded, log = RecordedInput(Clean()), ProgressLog()
    subject = variant(plain(), Reconstruction("bce"), recorded)
    training = settings(epochs=3, batch_size=256)
    history = run(subject, blobs(5), blobs(5), training, progress=log)
    assert [len(batch) for batch in recorded.images] == [5] * 6
    assert log.steps == 3
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_each_epoch_has_every_image_once_in_a_new_order(blobs: Blobs) -> None:
    recorded, images = RecordedInput(Clean()), blobs(24)
    subject = variant(plain(), Reconstruction("bce"), recorded)
    run(subject, images, blobs(1), settings(epochs=2))
    shown = [batch for batch in recorded.images if len(batch) == 8]
    first, second = torch.cat(shown[:3]), torch.cat(shown[3:])
    assert not torch.equal(first, second)
    for epoch in (first, second):
        rows = sorted(epoch.flatten(1).tolist())
        assert rows == sorted((images.float() / 255).flatten(1).tolist())


def test_memory_mapped_images_give_the_same_weights(blobs: Blobs, tmp_path: Path) -> None:
    images = blobs(16)
    subjects = [variant(plain(), Reconstruction("bce")) for _ in range(2)]
    np.save(tmp_path / "images.npy", images.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="c"))
    for subject, source in zip(subjects, (images, mapped), strict=True):
        run(subject, source, images, settings())
    assert identical(weights(subjects[0]), weights(subjects[1]))
