"""All variants' metrics and figures as one table and one page."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from autoencoders import files, paths
from autoencoders.data.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.evaluation.metric import headline
from autoencoders.evaluation.pairs import first_pairs
from autoencoders.figures import TABLE, plots
from autoencoders.figures.shown import array
from autoencoders.lazy import without_gradients
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.report import page
from autoencoders.sources.published import stand_in_banner
from autoencoders.stages.common import load_metrics, load_numbers
from autoencoders.tracking import StageRun
from autoencoders.trained import variant

OVERVIEW_IMAGES = 6
# What `dvc exp show` and `dvc metrics diff` compare: a column each, and a screen has few.
COMPARED = ("psnr", "elbo")


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the seed and which datasets and variants to report."""
    return params.model_dump(mode="json", include={"seed", "datasets_to_run", "variants_to_run"})


def data_used(item: Item) -> None:
    """Return nothing: the report covers all datasets."""


def outputs(item: Item) -> list[Path]:
    """Return the table, the page, the overviews, and what DVC's metrics and plots compare."""
    return [paths.RESULTS, paths.REPORT, paths.OVERVIEW, paths.HEADLINE, paths.CURVES]


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Write the table and the page of the datasets and variants to run."""
    datasets = [Prepared(dataset) for dataset in params.datasets_to_run]
    rows = {
        data.name: [_measured(Item(item.stage, data.name, name)) for name in params.variants_to_run]
        for data in datasets
    }
    # Noise sweeps are curves: lists, which no column of a table can hold.
    table = [
        {key: row[key] for key in row if key != "noise_sweep"}
        for of_dataset in rows.values()
        for row in of_dataset
    ]
    compared = {
        name: {row["variant"]: {m: row[m] for m in COMPARED if m in row} for row in of_dataset}
        for name, of_dataset in rows.items()
    }
    # All is read before anything is written: of a bad file, not even a part of the report is lost.
    curves = _curves(params)
    sections = [_section(data, rows[data.name]) for data in datasets]
    with files.atomic_directory(paths.OVERVIEW) as folder:
        for data in datasets:
            _draw_overview(data, rows[data.name], folder / f"{data.name}.png")
    with files.atomic_file(paths.RESULTS) as temporary:
        pd.json_normalize(table).to_csv(temporary, index=False)
    files.write_json(paths.HEADLINE, compared)
    with files.atomic_file(paths.CURVES) as temporary:
        curves.to_csv(temporary, index=False)
    with files.atomic_file(paths.REPORT) as temporary:
        temporary.write_text(page.render(sections), encoding="utf-8")
    for section in sections:
        if section.source == "stand-in" and params.data.source == "auto":
            print(stand_in_banner(section.dataset), file=sys.stderr)
    return f"{len(table)} results in {paths.RESULTS}, the report in {paths.REPORT}"


def log(item: Item, run: StageRun) -> None:
    """Log the report, and every headline metric to the configuration's run."""
    run.log(artifacts=outputs(item))
    with files.readable(paths.RESULTS, item.name):
        table = pd.read_csv(files.read_lines(paths.RESULTS))
        metrics = {
            f"{row['dataset']}/{row['variant']}/{name}": value
            for row in table.to_dict("records")
            for name, value in headline({str(key): value for key, value in row.items()}).items()
            if not name.startswith("yardsticks.") and not pd.isna(value)
        }
    run.log_to_parent(metrics=metrics, artifacts=[paths.RESULTS])


def _measured(item: Item) -> dict[str, Any]:
    """Return a variant's metrics; where its latents were put to the test, raw pixels' beside."""
    row = load_metrics(item)
    if "probe_accuracy" in row:
        pixels = load_numbers(paths.pixels(item.dataset), item.at("pixels"))
        row["yardsticks"]["raw_pixels"] = pixels
    return row


@without_gradients
def _draw_overview(data: Prepared, measured: list[dict[str, Any]], target: Path) -> None:
    """Draw what each variant's encoder sees and what comes out, side by side."""
    test, rows, device = data.images("test"), [], exact_device()
    for row in measured:
        item = Item("train", data.name, row["variant"])
        folder = paths.model(item.dataset, item.variant)
        description, assembled = variant.load(folder, item.name, device)
        seen, originals = first_pairs(
            assembled.input, test, description.seed, "test", OVERVIEW_IMAGES, device
        )
        psnr = f"{row['psnr']:.1f} dB"
        rows.append((item.variant, array(seen), array(assembled.model(seen)), psnr))
    heading = f"{data.metadata.title}: what the encoder sees → what comes out"
    figure = plots.overview(array(originals), rows, heading)
    plots.save(figure, target, description.source)


def _curves(params: Params) -> pd.DataFrame:
    """Return every variant's validation error over the epochs, as one long table."""
    histories = []
    for dataset in params.datasets_to_run:
        for name in params.variants_to_run:
            stage, folder = Item("train", dataset, name).name, paths.model(dataset, name)
            history = variant.load_history(folder, stage)
            with files.readable(folder / variant.HISTORY, stage):
                found = history[["epoch", "validation_mse"]]
            histories.append(found.assign(dataset=dataset, variant=name))
    return pd.concat(histories)


def _section(data: Prepared, rows: list[dict[str, Any]]) -> page.DatasetSection:
    metadata = data.metadata
    overview = paths.OVERVIEW / f"{data.name}.png"
    return page.DatasetSection(
        dataset=data.name,
        title=metadata.title,
        source=metadata.source,
        image_counts={name: split.n_images for name, split in metadata.splits.items()},
        variants=[_variant_section(row) for row in rows],
        figures=[page.Picture(_relative(overview), "Every variant on the same test images")],
    )


def _variant_section(row: dict[str, Any]) -> page.VariantSection:
    item = Item("train", row["dataset"], row["variant"])
    folder = paths.model(item.dataset, item.variant)
    history = variant.load_history(folder, item.name)
    drawn = files.require(paths.figures(item.dataset, item.variant), item.at("figures").name)
    description = variant.load_description(folder, item.name)
    return page.VariantSection(
        variant=item.variant,
        metrics=headline(row),
        yardsticks=row["yardsticks"],
        hyperparameters=description.variant.model_dump(mode="json"),
        figures=[
            page.Picture(_relative(drawn / drawing.file), drawing.caption)
            for drawing in TABLE
            if (drawn / drawing.file).exists()
        ],
        model_sha256=row["model_sha256"],
        training={
            "epochs": len(history),
            "best epoch": int(variant.best_epoch(history)["epoch"]),
        },
    )


def _relative(picture: Path) -> str:
    return picture.relative_to(paths.REPORT.parent).as_posix()
