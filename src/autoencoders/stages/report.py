"""All variants' metrics and figures as one table and one page."""

import sys
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from autoencoders import figures, files, page, paths, trained
from autoencoders.data import sources, splits
from autoencoders.evaluation.predictions import first_pairs
from autoencoders.params import Params
from autoencoders.stages.common import images, load_metrics
from autoencoders.stages.evaluate import headline
from autoencoders.stages.figures import CAPTIONS
from autoencoders.tracking import StageIdentity, StageRun

OVERVIEW_IMAGES = 6


def used_params(params: Params, item: StageIdentity) -> dict[str, Any]:
    """Return the seed and which datasets and variants to report."""
    return params.model_dump(mode="json", include={"seed", "datasets_to_run", "variants_to_run"})


def data_used(item: StageIdentity) -> None:
    """Return nothing: the report covers all datasets."""


def outputs(item: StageIdentity) -> list[Path]:
    """Return the table, the page, and the overviews."""
    return [paths.RESULTS, paths.REPORT, paths.OVERVIEW]


def produce(params: Params, item: StageIdentity, run: StageRun) -> str:
    """Write the table and the page of the datasets and variants to run."""
    rows = [
        _measured(dataset, variant)
        for dataset, variant in product(params.datasets_to_run, params.variants_to_run)
    ]
    # Noise sweeps are curves: lists, which no column of a table can hold.
    table = [{key: row[key] for key in row if key != "noise_sweep"} for row in rows]
    with files.atomic_file(paths.RESULTS) as temporary:
        pd.json_normalize(table).to_csv(temporary, index=False)
    with files.atomic_directory(paths.OVERVIEW) as folder:
        for dataset in params.datasets_to_run:
            _draw_overview(params, dataset, folder / f"{dataset}.png")
    sections = [
        _section(dataset, [row for row in rows if row["dataset"] == dataset])
        for dataset in params.datasets_to_run
    ]
    with files.atomic_file(paths.REPORT) as temporary:
        temporary.write_text(page.render(sections), encoding="utf-8")
    for section in sections:
        if section.source == "stand-in" and params.data.source == "auto":
            print(sources.stand_in_banner(section.dataset), file=sys.stderr)
    return f"{len(rows)} results in {paths.RESULTS}, the report in {paths.REPORT}"


def log(item: StageIdentity, run: StageRun) -> None:
    """Log the report, and every headline metric to the configuration's run."""
    run.log(artifacts=outputs(item))
    table = pd.read_csv(paths.RESULTS)
    metrics = {
        f"{row['dataset']}/{row['variant']}/{name}": value
        for row in table.to_dict("records")
        for name, value in headline({str(key): value for key, value in row.items()}).items()
        if not name.startswith("yardsticks.") and not pd.isna(value)
    }
    run.log_to_parent(metrics=metrics, artifacts=[paths.RESULTS])


def _measured(dataset: str, variant: str) -> dict[str, Any]:
    """Return a variant's metrics; where its latents were put to the test, raw pixels' beside."""
    row = load_metrics(dataset, variant)
    if "probe_accuracy" in row:
        path = files.require(paths.pixels(dataset), f"pixels@{dataset}")
        row["yardsticks"]["raw_pixels"] = headline(files.read_json(path))
    return row


@torch.no_grad()
def _draw_overview(params: Params, dataset: str, target: Path) -> None:
    """Draw what each variant's encoder sees and what comes out, side by side."""
    test = images(dataset, "test")
    rows = []
    source = ""
    for variant in params.variants_to_run:
        description, networks = trained.load(paths.model(dataset, variant))
        source = description.source
        seen, originals = first_pairs(
            networks.corruption, test, description.seed, "test", OVERVIEW_IMAGES
        )
        psnr = load_metrics(dataset, variant)["psnr"]
        predicted = networks.model(seen)
        rows.append((variant, seen.numpy(), predicted.numpy(), f"{psnr:.1f} dB"))
    title = splits.load_metadata(paths.prepared(dataset)).title
    heading = f"{title}: what the encoder sees → what comes out"
    figures.save(figures.overview(originals.numpy(), rows, heading), target, source)


def _section(dataset: str, rows: list[dict[str, Any]]) -> page.DatasetSection:
    metadata = splits.load_metadata(paths.prepared(dataset))
    overview = paths.OVERVIEW / f"{dataset}.png"
    return page.DatasetSection(
        dataset=dataset,
        title=metadata.title,
        source=metadata.source,
        image_counts={name: split.n_images for name, split in metadata.splits.items()},
        variants=[_variant_section(row) for row in rows],
        figures=[page.Picture(_relative(overview), "Every variant on the same test images")],
    )


def _variant_section(row: dict[str, Any]) -> page.VariantSection:
    folder = paths.model(row["dataset"], row["variant"])
    history = trained.load_history(folder)
    drawn = paths.figures(row["dataset"], row["variant"])
    return page.VariantSection(
        variant=row["variant"],
        metrics=headline(row),
        yardsticks=row["yardsticks"],
        hyperparameters=trained.load_description(folder).variant.model_dump(mode="json"),
        figures=[
            page.Picture(_relative(drawn / name), caption)
            for name, caption in CAPTIONS.items()
            if (drawn / name).exists()
        ],
        model_sha256=row["model_sha256"],
        training={
            "epochs": len(history),
            "best epoch": int(trained.best_epoch(history)["epoch"]),
        },
    )


def _relative(picture: Path) -> str:
    return picture.relative_to(paths.REPORT.parent).as_posix()
