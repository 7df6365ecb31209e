"""A trained variant and its yardsticks on all test images."""

from pathlib import Path
from typing import Any

from autoencoders import evaluation, files, paths
from autoencoders.components import configured
from autoencoders.data.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.evaluation.metric import headline
from autoencoders.evaluation.noise_sweep import flat
from autoencoders.evaluation.subject import SPLITS
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.stages.common import load_metrics, prepared_data
from autoencoders.tracking import DataUsed, StageRun
from autoencoders.trained import classifier, variant, weights


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the evaluation's settings; the variant's own are in the model's folder."""
    return params.evaluation.model_dump(mode="json")


def data_used(item: Item) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: Item) -> list[Path]:
    """Return the metrics file."""
    return [paths.metrics(item.dataset, item.variant)]


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Ask every question of the variant, and write the answers."""
    folder, data = paths.model(item.dataset, item.variant), Prepared(paths.prepared(item.dataset))
    device = exact_device()
    description, assembled = variant.load(folder, device)
    judge = classifier.load_judge(paths.classifier(item.dataset), device)
    subject = configured(evaluation.Subject, params.evaluation)(
        assembled,
        description.variant.input.kind,
        {split: data.images(split) for split in SPLITS},
        {split: data.labels(split) for split in SPLITS},
        judge,
        description.seed,
        device,
    )
    content = {
        "dataset": item.dataset,
        "variant": item.variant,
        "source": description.source,
        "n_images": len(data.images("test")),
        "model_sha256": weights.sha256(folder),
        **evaluation.answers(subject, params.evaluation),
    }
    files.write_json(outputs(item)[0], content)
    return f"PSNR {content['psnr']:.2f} dB, BCE {content['bce']:.4f} in {outputs(item)[0]}"


def log(item: Item, run: StageRun) -> None:
    """Log the metrics to the run and to the model that they are of."""
    content = load_metrics(item)
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
