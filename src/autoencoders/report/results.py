"""The results of all variants, read from files; their tables and the overview figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from autoencoders import files, paths
from autoencoders.evaluation import results, seed_results
from autoencoders.evaluation.results import Metrics, headline
from autoencoders.evaluation.seed_results import Digests, SeedResults
from autoencoders.figures import plots, section
from autoencoders.figures.section import FigureFile, Section

# Metrics that `dvc exp show` and `dvc metrics diff` show; more columns do not fit on a screen.
COMPARED = ("psnr", "elbo")


@dataclass(frozen=True)
class VariantResult:
    """The results of a trained variant.

    Attributes:
        name: the name of the variant.
        metrics: the content of its metrics file. The yardsticks include `raw_pixels` if the file
            has feature metrics.
        section: all other content about it.
        seeds: its results for several seeds, if there are any.
        seeds_changes: what has changed since then: params, data, code.
    """

    name: str
    metrics: Metrics
    section: Section
    seeds: SeedResults | None = None
    seeds_changes: Sequence[str] = ()

    @property
    def numbers(self) -> dict[str, float]:
        """Return the network's metrics by key, without those of the yardsticks."""
        return headline(self.metrics)

    @property
    def yardsticks(self) -> dict[str, dict[str, float]]:
        """Return the metrics of each yardstick: name → key → value."""
        yardsticks: dict[str, dict[str, float]] = self.metrics["yardsticks"]
        return yardsticks

    @property
    def n_seeds(self) -> int:
        """Return the number of seeds with results."""
        return len(self.seeds.seeds) if self.seeds else 0

    def seed_values(self, metric: str) -> dict[int, float]:
        """Return seed → value of a metric."""
        return self.seeds.values(metric) if self.seeds else {}


@dataclass(frozen=True)
class DatasetResults:
    """The results of the variants of one dataset; there is at least one variant."""

    name: str
    variants: Sequence[VariantResult]

    @property
    def section(self) -> Section:
        """Return a section that has the dataset's title, source and image counts."""
        return self.variants[0].section

    @property
    def overview(self) -> Path:
        """Return the path of the overview figure."""
        return paths.OVERVIEW / f"{self.name}.png"

    @property
    def pictures(self) -> list[FigureFile]:
        """Return the figures that show all variants."""
        return [
            FigureFile(
                paths.relative_to_page(self.overview), "All variants on the same test images"
            )
        ]


def load(
    dataset: str, variant: str, seed: int, current_digests: Callable[[str, str], Digests]
) -> VariantResult:
    """Read the results of a variant; `seed` is that of its training.

    `current_digests` returns the present state of params, data and code, from the two names.

    Raises:
        UserError: a file is missing or damaged.
    """
    metrics = results.load(paths.metrics(dataset, variant), dataset, variant)
    if "probe_accuracy" in metrics:
        pixels = results.load_numbers(paths.pixels(dataset), dataset)
        metrics["yardsticks"]["raw_pixels"] = pixels
    content = section.load(paths.section(dataset, variant))
    for picture in content.pictures:
        files.require(paths.REPORT.parent / picture.path)
    seeds = seed_results.load(dataset, variant)
    changes = []
    if seeds and not seeds.agree(seed, metrics):
        changes = seeds.changes(current_digests(dataset, variant))
    return VariantResult(variant, metrics, content, seeds, changes)


def table(datasets: list[DatasetResults]) -> pd.DataFrame:
    """Return one row of metrics per dataset and variant; yardsticks have columns of their own."""
    # A noise sweep is a list of values, and a table cell holds only one value.
    return pd.json_normalize(
        {key: value for key, value in result.metrics.items() if key != "noise_sweep"}
        for dataset in datasets
        for result in dataset.variants
    )


def compared_metrics(datasets: list[DatasetResults]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the metrics that DVC compares: dataset → variant → key → value."""
    return {
        dataset.name: {
            result.name: {key: result.metrics[key] for key in COMPARED if key in result.metrics}
            for result in dataset.variants
        }
        for dataset in datasets
    }


def curves(datasets: list[DatasetResults]) -> pd.DataFrame:
    """Return the validation MSE of every variant, one row per epoch."""
    return pd.DataFrame(
        {
            "epoch": epoch,
            "validation_mse": mse,
            "dataset": dataset.name,
            "variant": result.name,
        }
        for dataset in datasets
        for result in dataset.variants
        for epoch, mse in enumerate(result.section.validation_mse, start=1)
    )


def overview(dataset: DatasetResults) -> Figure:
    """Draw the encoder inputs and the reconstructions of all variants."""
    rows = []
    for result in dataset.variants:
        folder = paths.section(dataset.name, result.name)
        inputs, reconstructions, originals = (
            section.load_images(folder, name, result.section.shown)
            for name in (section.INPUTS, section.RECONSTRUCTIONS, section.ORIGINALS)
        )
        psnr = f"PSNR {result.metrics['psnr']:.1f} dB"
        rows.append((result.name, inputs, reconstructions, psnr))
    title = f"{dataset.section.title}: encoder inputs and reconstructions of all variants"
    return plots.overview(originals, rows, title)
