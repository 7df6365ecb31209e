"""A trained variant and its yardsticks on all test images."""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autoencoders import classifier, files, paths, randomness, trained
from autoencoders.evaluation import latents, metrics, yardsticks
from autoencoders.evaluation.families import family_metrics
from autoencoders.evaluation.generation import generation_metrics
from autoencoders.evaluation.noise_sweep import flat, noise_sweep
from autoencoders.evaluation.predictions import pairs
from autoencoders.params import Params
from autoencoders.stages.common import images, labels, prepared_data, variant_of
from autoencoders.tracking import DataUsed, StageIdentity, StageRun

Pairs = Iterator[tuple[Tensor, Tensor]]


def used_params(params: Params, item: StageIdentity) -> dict[str, Any]:
    """Return the evaluation's settings; the variant's own are in the model's folder."""
    return params.evaluation.model_dump(mode="json")


def data_used(item: StageIdentity) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: StageIdentity) -> list[Path]:
    """Return the metrics file."""
    return [paths.metrics(*variant_of(item))]


def produce(params: Params, item: StageIdentity, run: StageRun) -> str:
    """Measure the network, its family's own terms, and the yardsticks, on the test images."""
    dataset, variant = variant_of(item)
    folder = paths.model(dataset, variant)
    description, networks = trained.load(folder)
    split = partial(_pairs, params, description, networks)
    test = images(dataset, "test")
    references, codes = yardsticks.fitted(split("train"), prod(networks.model.latent_shape))
    content = {
        "dataset": dataset,
        "variant": variant,
        "source": description.source,
        "n_images": len(test),
        "model_sha256": trained.weights_sha256(folder),
        **_measure(networks.model, split("test")),
        **family_metrics(
            networks.model,
            networks.objective,
            split("test"),
            randomness.noise(description.seed, "test/draws"),
            params.evaluation.elbo_draws,
            params.evaluation.iwae_samples,
        ),
        **generation_metrics(
            networks.model,
            networks.objective,
            classifier.load(paths.classifier(dataset)),
            split("test"),
            randomness.noise(description.seed, "test/samples"),
        ),
        "yardsticks": {
            name: _measure(predict, split("test"))
            for name, predict in (references | networks.corruption.yardsticks()).items()
        },
        **_noise_sweep(params, description, networks),
    }
    _add_label_metrics(content, params, description, networks, codes)
    files.write_json(outputs(item)[0], content)
    return f"PSNR {content['psnr']:.2f} dB, BCE {content['bce']:.4f} in {outputs(item)[0]}"


def log(item: StageIdentity, run: StageRun) -> None:
    """Log the metrics to the run and to the model that they are of."""
    content = files.read_json(outputs(item)[0])
    run.log_model_metrics(content["model_sha256"], headline(content))
    run.log(
        metrics={
            f"yardsticks/{name}/{metric}": value
            for name, values in content["yardsticks"].items()
            for metric, value in values.items()
        }
        | flat(content.get("noise_sweep", {})),
        artifacts=outputs(item),
    )


def headline(content: dict[str, Any]) -> dict[str, float]:
    """Return the network's own metrics out of a metrics file's content."""
    return {
        name: value
        for name, value in content.items()
        if isinstance(value, int | float) and name != "n_images"
    }


def _pairs(
    params: Params, description: trained.Description, networks: trained.Networks, split: str
) -> Pairs:
    return pairs(
        networks.corruption,
        images(description.dataset, split),
        description.seed,
        split,
        params.evaluation.batch_size,
    )


def _add_label_metrics(
    content: dict[str, Any],
    params: Params,
    description: trained.Description,
    networks: trained.Networks,
    pca_codes: latents.Encode,
) -> None:
    """Add what latents and PCA's codes tell of the classes; nothing for one class.

    Nor for a latent of more numbers than the encoder sees: it compresses nothing, PCA has no
    such codes, and its distances to all images would take minutes.
    """
    seen_shape = networks.corruption.shape(description.image_shape)
    if prod(networks.model.latent_shape) > prod(seen_shape):
        return
    measured = latents.by_encoder(
        {"latents": networks.model.encode, "pca": pca_codes},
        partial(_pairs, params, description, networks),
        {split: labels(description.dataset, split) for split in latents.SPLITS},
        params.evaluation.label_counts,
        params.evaluation.label_draws,
        params.evaluation.knn_neighbours,
        description.seed,
    )
    content |= measured.get("latents", {})
    content["yardsticks"]["pca"] |= measured.get("pca", {})


def _noise_sweep(
    params: Params, description: trained.Description, networks: trained.Networks
) -> dict[str, Any]:
    """Return `noise_sweep` where the params have noise levels for the variant's input."""
    levels = params.evaluation.noise_levels.get(description.variant.input.kind)
    if not levels:
        return {}
    test = images(description.dataset, "test")[: params.evaluation.noise_images]
    under = partial(
        pairs,
        images=test,
        seed=description.seed,
        split="test",
        batch_size=params.evaluation.batch_size,
    )
    sweep = noise_sweep(networks.model, networks.corruption, levels, under)
    return {"noise_sweep": {"n_images": len(test), **sweep}}


@torch.no_grad()
def _measure(predict: Callable[[Tensor], Tensor], split: Pairs) -> dict[str, float]:
    """Return the means over all images of every image metric."""
    measured = [metrics.per_image(predict(seen), clean) for seen, clean in split]
    return metrics.summary(
        {name: torch.cat([values[name] for values in measured]) for name in measured[0]}
    )
