"""All variants' results, read from files, as tables and as what the page is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from autoencoders import files, paths
from autoencoders.evaluation import results
from autoencoders.evaluation.results import Metrics, headline
from autoencoders.figures import plots, section
from autoencoders.figures.section import FigureFile, Section

# What `dvc exp show` and `dvc metrics diff` compare: a column each, and a screen has few.
COMPARED = ("psnr", "elbo")


@dataclass(frozen=True)
class VariantResult:
    """What a trained variant came to.

    Attributes:
        variant: its name.
        metrics: its metrics file's content, raw pixels' among the yardsticks where its latents
            were put to the test.
        section: what the page has of it beside.
    """

    variant: str
    metrics: Metrics
    section: Section

    @property
    def numbers(self) -> dict[str, float]:
        """Return the network's own metrics; there may be others than the page knows."""
        return headline(self.metrics)

    @property
    def yardsticks(self) -> dict[str, dict[str, float]]:
        """Return the same metrics of each yardstick by its name."""
        found: dict[str, dict[str, float]] = self.metrics["yardsticks"]
        return found


@dataclass(frozen=True)
class DatasetResults:
    """The results of a dataset's variants, one or more."""

    dataset: str
    variants: Sequence[VariantResult]

    @property
    def section(self) -> Section:
        """Return a section whose title, source and counts are the dataset's."""
        return self.variants[0].section

    @property
    def overview(self) -> Path:
        """Return the file of the picture that shows all variants."""
        return paths.OVERVIEW / f"{self.dataset}.png"

    @property
    def pictures(self) -> list[FigureFile]:
        """Return the pictures that are of no single variant."""
        return [
            FigureFile(
                paths.relative_to_page(self.overview), "Every variant on the same test images"
            )
        ]


def load(dataset: str, variants: list[str]) -> DatasetResults:
    """Read the results of a dataset's variants.

    Raises:
        UserError: a file is missing or damaged.
    """
    return DatasetResults(dataset, [_load(dataset, variant) for variant in variants])


def _load(dataset: str, variant: str) -> VariantResult:
    metrics = results.load(paths.metrics(dataset, variant), dataset, variant)
    if "probe_accuracy" in metrics:
        pixels = results.load_numbers(paths.pixels(dataset), dataset)
        metrics["yardsticks"]["raw_pixels"] = pixels
    found = section.load(paths.section(dataset, variant))
    for picture in found.pictures:
        files.require(paths.REPORT.parent / picture.path)
    return VariantResult(variant, metrics, found)


def table(datasets: list[DatasetResults]) -> pd.DataFrame:
    """Return one row of metrics per dataset and variant, the yardsticks' among them."""
    # Noise sweeps are curves: lists, which no column of a table can hold.
    return pd.json_normalize(
        {key: value for key, value in result.metrics.items() if key != "noise_sweep"}
        for of_dataset in datasets
        for result in of_dataset.variants
    )


def compared(datasets: list[DatasetResults]) -> dict[str, dict[str, dict[str, float]]]:
    """Return each variant's few numbers that DVC compares."""
    return {
        of_dataset.dataset: {
            result.variant: {key: result.metrics[key] for key in COMPARED if key in result.metrics}
            for result in of_dataset.variants
        }
        for of_dataset in datasets
    }


def curves(datasets: list[DatasetResults]) -> pd.DataFrame:
    """Return every variant's validation error over the epochs, as one long table."""
    return pd.DataFrame(
        {
            "epoch": epoch,
            "validation_mse": mse,
            "dataset": of_dataset.dataset,
            "variant": result.variant,
        }
        for of_dataset in datasets
        for result in of_dataset.variants
        for epoch, mse in enumerate(result.section.validation_mse, start=1)
    )


def overview(of_dataset: DatasetResults) -> Figure:
    """Draw what each variant's encoder sees and what comes out, side by side."""
    rows = []
    for result in of_dataset.variants:
        folder = paths.section(of_dataset.dataset, result.variant)
        seen, made, originals = (
            section.load_images(folder, name, result.section.shown)
            for name in (section.SEEN, section.MADE, section.ORIGINALS)
        )
        rows.append((result.variant, seen, made, f"{result.metrics['psnr']:.1f} dB"))
    title = f"{of_dataset.section.title}: what the encoder sees → what comes out"
    return plots.overview(originals, rows, title)
