"""Training of a variant on a prepared dataset, with the record of it."""

import hashlib
from pathlib import Path

from autoencoders.datasets.prepared import Prepared
from autoencoders.device import device
from autoencoders.trained.variant import Description
from autoencoders.training.history import Progress
from autoencoders.training.parallel import SINGLE_PROCESS, Processes
from autoencoders.training.settings import Variant
from autoencoders.training.train import TrainingResult, train
from autoencoders.variants.objectives.base import Perceive


def train_on(
    data: Prepared,
    name: str,
    variant: Variant,
    seed: int,
    *,
    progress: Progress,
    folder: Path,
    code_sha256: str | None = None,
    perceive: Perceive | None = None,
    classifier_sha256: str | None = None,
    initial_weights: bytes | None = None,
    processes: Processes = SINGLE_PROCESS,
) -> tuple[Description, TrainingResult]:
    """Train the variant `name` on this machine's device; return the record and the result.

    `code_sha256` is the digest of the code that affects the results, and `classifier_sha256` that
    of the weights that `perceive` uses. `training.train.train` describes the other arguments and
    the errors.
    """
    weights = hashlib.sha256(initial_weights).hexdigest() if initial_weights else None
    description = Description(
        dataset=data.metadata.dataset,
        name=name,
        seed=seed,
        source=data.metadata.source,
        data_sha256=data.metadata.sha256,
        image_shape=data.metadata.image_shape,
        variant=variant,
        classifier_sha256=classifier_sha256 if perceive else None,
        initial_weights_sha256=weights,
    )
    result = train(
        data.training_images,
        data.images("validation"),
        variant,
        seed,
        name=f"{description.dataset}/{name}",
        device=device(),
        progress=progress,
        folder=folder,
        digests=(description.data_sha256, code_sha256, classifier_sha256, weights),
        perceive=perceive,
        initial_weights=initial_weights,
        processes=processes,
        redrawn=data.redrawn,
    )
    return description, result
