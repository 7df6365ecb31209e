"""Wall time of a short training, and whether it reaches the test loss of the reference."""

import time
from pathlib import Path
from typing import Any

import torch

from autoencoders import params
from autoencoders.device import device
from autoencoders.evaluation import bounds, image_quality
from autoencoders.trained.variant import Trained
from benchmarks import machine, trainer
from benchmarks.settings import QUICK, REFERENCE_EPOCHS, REFERENCE_LOSS, Options
from benchmarks.table import TRUTH, Row, find, print_progress, row
from benchmarks.worker import run_fresh

PART = "quality"


def measure(options: Options, earlier: list[Row]) -> list[Row]:
    """Return the time and test loss of each variant and of the reference."""
    rows: list[Row] = []
    for variant in options.variants:
        epoch = find(earlier, "epochs", variant, "reference: time per epoch")
        quick = run_fresh(time_to_quality, variant=variant, images=options.images)
        ratios = [
            seconds * REFERENCE_EPOCHS[variant] / quick["training"]
            for seconds in (epoch.min, epoch.median, epoch.max)
        ]
        reached = quick["loss"] <= REFERENCE_LOSS[variant]
        rows += [
            row(PART, variant, "data load", "s", quick["load"]),
            row(PART, variant, "training", "s", quick["training"]),
            row(PART, variant, "epochs", "1", quick["epochs"]),
            row(PART, variant, "test loss", "nats", quick["loss"]),
            row(PART, variant, "reference's test loss", "nats", REFERENCE_LOSS[variant]),
            row(PART, variant, "reached", TRUTH, reached),
            row(PART, variant, "reference's training / ours", "×", *ratios),
        ]
        print_progress(
            f"quality: {variant} {quick['training']:.1f} s, test loss {quick['loss']:.4f}"
        )
    return rows


def time_to_quality(variant: str, images: int) -> dict[str, Any]:
    """Return the time of a training with the quick settings, and the test loss of its weights."""
    subject = trainer.quick(variant)
    started = time.perf_counter()
    train = trainer.prepared("train", images)
    validation = trainer.prepared("validation", images)
    loaded = time.perf_counter()
    subject.train(train, validation)
    machine.synchronise(device())
    trained = time.perf_counter()
    return {
        "load": loaded - started,
        "training": trained - loaded,
        "epochs": QUICK[variant]["epochs"],
        "loss": _test_loss(subject, images),
    }


@torch.no_grad()
def _test_loss(subject: trainer.Trainer, count: int) -> float:
    """Return the loss that the reference has: the negative ELBO of a VAE, else the BCE, in nats."""
    settings = params.load().evaluation.model_copy(update={"iwae_samples": 1, "iwae_images": 1})
    subject.assembled.networks.cpu().eval()
    few = trainer.FewImages(count)
    trained = Trained(
        **vars(subject.assembled),
        description=subject.description,
        folder=Path(),
        data=few,
        batch_size=settings.batch_size,
    )
    metrics = bounds.measure(trained, settings)
    if metrics:
        return -metrics["elbo"]
    return image_quality.of_predictions(trained.model, trained.pairs("test"))["bce"]
