"""`python -m benchmarks.finetuning photos/train photos/test`: what initial weights are worth.

A few photographs have another kind of noise than those of `photo_denoise`: photon noise. Trainings
of equal length start from its weights, and from random ones. Each line has the PSNR in dB of the
restored photographs of the second folder: the mean over photographs, of outputs in [0, 1].

An epoch that does not count measures how many epochs fit into the minutes. The seed decides the
patches, their noise and the random weights.
"""

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoencoders import find_weights, randomness
from autoencoders.datasets.image_files import ImageExtractor
from autoencoders.device import CPU, tune_cpu
from autoencoders.errors import UserError
from autoencoders.images.listing import list_images
from autoencoders.randomness import Noise
from autoencoders.training.history import SILENT
from autoencoders.training.initial_weights import load_weights
from autoencoders.training.loop import TorchLearner, fit
from autoencoders.training.parallel import SINGLE_PROCESS
from autoencoders.variants.assembly import Assembled, assemble
from autoencoders.variants.inputs import Input
from benchmarks.restoration import photograph, psnr_inside
from benchmarks.table import print_progress
from benchmarks.trainer import example

VARIANT = "photo_denoise"
PEAK = 20  # photons of a white pixel
PATCH, PER_IMAGE = 48, 64  # pixels; patches of a photograph in an epoch
VALIDATION = 10  # of the photographs, to select the best epoch


class Photons(Input):
    """Photon noise: a pixel x counts k ~ Poisson(PEAK · x) photons and becomes k / PEAK."""

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return noisy images `(N, C, H, W)`."""
        return torch.poisson(images * PEAK, generator=noise.generator) / PEAK


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetuning", description=__doc__)
    parser.add_argument("photographs", type=Path, help="folder of photographs to train on")
    parser.add_argument("test", type=Path, help="folder of other photographs")
    parser.add_argument("--weights", default=VARIANT, help="as training.initial_weights")
    parser.add_argument("--count", type=int, default=60, help="number of photographs to train on")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    try:
        rows = compare(options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(rows))
    return 0


def compare(options: argparse.Namespace) -> list[str]:
    """Return the rows of a table: one for each seed, and their means.

    Raises:
        UserError: a folder has no image, or the weights do not exist or do not fit.
    """
    photographs, test = (_photographs(folder) for folder in (options.photographs, options.test))
    photographs = photographs[: options.count]
    if len(photographs) <= VALIDATION:
        raise UserError(
            f"photographs: found {len(photographs)} in {options.photographs}; allowed: "
            f"{VALIDATION + 1} or more"
        )
    weights = find_weights.read(options.weights)
    columns = ("noisy", f"{options.weights}", "trained from random weights", "trained from it")
    table = []
    for seed in range(1, options.seeds + 1):
        patches = _patches(photographs, seed)
        values = [_psnr(lambda inputs: inputs, test), _psnr(_build(seed, weights).model, test)]
        for start, content in (("random weights", None), (options.weights, weights)):
            assembled = _build(seed, content)
            epochs = _train(assembled, *patches, seed, options.minutes)
            values.append(_psnr(assembled.model, test))
            print_progress(f"seed {seed}, {epochs} epochs from {start}: {values[-1]:.2f} dB")
        table.append(values)
    means = [statistics.mean(column) for column in zip(*table, strict=True)]
    named = {**{str(seed): values for seed, values in enumerate(table, 1)}, "mean": means}
    return [
        f"| seed | {' | '.join(columns)} |",
        "|---|" + "---|" * len(columns),
        *(f"| {n} | {' | '.join(f'{value:.2f}' for value in row)} |" for n, row in named.items()),
    ]


def _photographs(folder: Path) -> list[Tensor]:
    """Return the grey images of a folder, uint8 `(1, H, W)`, cropped to even sizes."""
    found = [
        photograph(folder / path, channels=1, factor=1)[0] for path in list_images(folder).images
    ]
    if not found:
        raise UserError(f"{folder}: found no image; give a folder with images")
    even = [image[:, : image.shape[1] // 2 * 2, : image.shape[2] // 2 * 2] for image in found]
    return [(image * 255).round().byte() for image in even]


def _patches(photographs: Sequence[Tensor], seed: int) -> tuple[Tensor, Tensor]:
    """Return patches `(N, 1, H, W)` of the last photographs, to validate, after those to train."""
    extractor = ImageExtractor(PATCH, 1, per_image=PER_IMAGE, turned=True)
    random = np.random.default_rng(seed)
    extracted = [extractor.extract(image.numpy(), False, random) for image in photographs]
    patches = [torch.from_numpy(np.ascontiguousarray(images)) for images in extracted]
    return torch.cat(patches[:-VALIDATION]), torch.cat(patches[-VALIDATION:])


def _build(seed: int, weights: bytes | None) -> Assembled:
    assembled = assemble(example(VARIANT), (1, PATCH, PATCH), seed, VARIANT)
    if weights is not None:
        load_weights(assembled.networks, weights)
    return replace(assembled, input=Photons())


def _train(
    assembled: Assembled, images: Tensor, validation: Tensor, seed: int, minutes: float
) -> int:
    """Train for as many epochs as fit into the minutes; return their number."""
    settings = example(VARIANT).training
    tune_cpu(settings.threads)

    def fit_for(epochs: int, trained: Assembled) -> None:
        training = settings.model_copy(update={"epochs": epochs})
        learner = TorchLearner(trained, training, seed, VARIANT, CPU, SINGLE_PROCESS)
        fit(learner, images, validation, SILENT)

    started = time.perf_counter()
    fit_for(1, copy.deepcopy(assembled))
    epochs = max(1, int(60 * minutes / (time.perf_counter() - started)))
    fit_for(epochs, assembled)
    return epochs


@torch.no_grad()
def _psnr(restore: Callable[[Tensor], Tensor], photographs: Sequence[Tensor]) -> float:
    """Return the mean PSNR in dB of whole photographs, each with the same noise in every call."""
    values = []
    for index, pixels in enumerate(photographs):
        image = pixels[None] / 255
        inputs = Photons()(image, randomness.noise(0, f"photograph {index}"))
        values.append(psnr_inside(restore(inputs).clamp(0, 1), image, factor=1))
    return statistics.mean(values)


if __name__ == "__main__":
    sys.exit(main())
