"""The stage `evaluate`: measure a trained variant and its yardsticks on all test images."""

from typing import Any

from autoencoders import files, paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.evaluation import results
from autoencoders.evaluation.measure import measure_all
from autoencoders.evaluation.noise_sweep import flat_metrics
from autoencoders.evaluation.results import Metrics
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.stages.common import prepared_data
from autoencoders.tracking import StageRun
from autoencoders.trained import classifier, variant

data_used = prepared_data


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the settings of the evaluation; those of the variant are in its model's folder."""
    return params.evaluation.model_dump(mode="json")


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Compute all metrics of the variant and write them."""
    content = _measure(params, item, Prepared(paths.prepared(item.dataset)))
    files.write_json(item.outputs[0], content)
    return f"PSNR {content['psnr']:.2f} dB, BCE {content['bce']:.4f} in {item.outputs[0]}"


def measure_on_validation_images(params: Params, item: Item) -> Metrics:
    """Return all metrics on the validation images, by which settings are chosen.

    Raises:
        UserError: see `variant.load`.
    """
    return _measure(params, item, Prepared(paths.prepared(item.dataset), test="validation"))


def _measure(params: Params, item: Item, data: Prepared) -> Metrics:
    device = exact_device()
    trained = variant.load(
        paths.model(item.dataset, item.variant), data, device, params.evaluation.batch_size
    )
    judge = classifier.load_judge(paths.classifier(item.dataset))
    return {
        "dataset": item.dataset,
        "variant": item.variant,
        "source": trained.description.source,
        "n_images": len(data.images("test")),
        "model_sha256": files.digest(trained.folder / paths.WEIGHTS),
        **measure_all(trained, classifier.judge_for(judge, data, device), params.evaluation),
    }


def log(item: Item, run: StageRun) -> None:
    """Log the metrics to the run and to the evaluated model."""
    content = results.load(item.outputs[0], item.dataset, item.variant)
    run.log_model_metrics(content["model_sha256"], results.headline(content))
    run.log(
        metrics={
            f"yardsticks/{name}/{metric}": value
            for name, values in content["yardsticks"].items()
            for metric, value in values.items()
        }
        | flat_metrics(content.get("noise_sweep", {})),
        artifacts=item.outputs,
    )
