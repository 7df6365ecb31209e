"""All variants' metrics and figures as one table and one page."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from autoencoders import files, paths
from autoencoders.data.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.evaluation.metric import headline
from autoencoders.figures import TABLE, plots
from autoencoders.figures.shown import Shown, array
from autoencoders.lazy import without_gradients
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.report import page, planes
from autoencoders.sources.datasets import stand_in_banner
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
    """Return the table, the page and its pictures, and what DVC's metrics and plots compare."""
    pictures = [paths.OVERVIEW, paths.PLANES]
    return [paths.RESULTS, paths.REPORT, *pictures, paths.HEADLINE, paths.CURVES]


@without_gradients
def produce(params: Params, item: Item, run: StageRun) -> str:
    """Write the table and the page of the datasets and variants to run."""
    datasets = [Prepared(paths.prepared(dataset)) for dataset in params.datasets_to_run]
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
    shown = {data.name: [_shown(data, row) for row in rows[data.name]] for data in datasets}
    sections = [_section(data, shown[data.name]) for data in datasets]
    with files.atomic_directory(paths.OVERVIEW) as folder:
        for data in datasets:
            _draw_overview(data, shown[data.name], folder / f"{data.name}.png")
    with files.atomic_directory(paths.PLANES) as folder:
        for data in datasets:
            _write_sheets(data, shown[data.name], folder)
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
    with files.readable(paths.RESULTS):
        # A variant may be called `null`, or `007`; what is missing is empty.
        names = {"dataset": str, "variant": str}
        lines = files.read_lines(paths.RESULTS)
        table = pd.read_csv(lines, dtype=names, keep_default_na=False, na_values=[""])
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
        pixels = load_numbers(paths.pixels(item.dataset), item)
        row["yardsticks"]["raw_pixels"] = pixels
    return row


def _shown(data: Prepared, row: dict[str, Any]) -> Shown:
    """Return a measured variant, loaded, with the images that it is shown by."""
    item, device = Item("train", data.name, row["variant"]), exact_device()
    folder = paths.model(item.dataset, item.variant)
    description, assembled = variant.load(folder, device)
    test = data.images("test")
    return Shown(
        title=f"{data.metadata.title}, {item.variant}",
        assembled=assembled,
        history=variant.load_history(folder),
        train=test[:0],  # none is shown, and to open them is to read them all
        test=test,
        labels=data.labels("test").byte().numpy(),
        class_names=data.metadata.class_names,
        measured=row,
        seed=description.seed,
        device=device,
    )


def _draw_overview(data: Prepared, variants: list[Shown], target: Path) -> None:
    """Draw what each variant's encoder sees and what comes out, side by side."""
    rows = []
    for shown in variants:
        seen, originals = shown.first(OVERVIEW_IMAGES)
        psnr = f"{shown.measured['psnr']:.1f} dB"
        rows.append((shown.measured["variant"], array(seen), shown.predict(seen), psnr))
    heading = f"{data.metadata.title}: what the encoder sees → what comes out"
    plots.save(plots.overview(array(originals), rows, heading), target, data.metadata.source)


def _write_sheets(data: Prepared, variants: list[Shown], folder: Path) -> None:
    """Write what the page shows of the dataset's planes, if it has any."""
    on_planes = [shown for shown in variants if planes.has_live_plane(shown)]
    if not on_planes:
        return
    (folder / data.name).mkdir()
    test = data.images("test")
    numbers = planes.chosen(len(test), data.metadata.image_shape)
    planes.sheet(test[numbers].numpy()).save(_originals(folder, data.name))
    for shown in on_planes:
        sheet = planes.sheet(planes.decoded(shown, planes.view(array(shown.codes))))
        sheet.save(_decoded(folder, data.name, shown.measured["variant"]))


def _originals(folder: Path, dataset: str) -> Path:
    return folder / dataset / "originals.png"


def _decoded(folder: Path, dataset: str, variant: str) -> Path:
    return folder / dataset / f"{variant}-decoded.png"


def _curves(params: Params) -> pd.DataFrame:
    """Return every variant's validation error over the epochs, as one long table."""
    histories = []
    for dataset in params.datasets_to_run:
        for name in params.variants_to_run:
            folder = paths.model(dataset, name)
            history = variant.load_history(folder)
            with files.readable(folder / variant.HISTORY):
                found = history[["epoch", "validation_mse"]]
            histories.append(found.assign(dataset=dataset, variant=name))
    return pd.concat(histories)


def _section(data: Prepared, variants: list[Shown]) -> page.DatasetSection:
    metadata = data.metadata
    overview = paths.OVERVIEW / f"{data.name}.png"
    return page.DatasetSection(
        dataset=data.name,
        title=metadata.title,
        source=metadata.source,
        image_counts={name: split.n_images for name, split in metadata.splits.items()},
        variants=[_variant_section(shown) for shown in variants],
        figures=[page.Picture(_relative(overview), "Every variant on the same test images")],
    )


def _variant_section(shown: Shown) -> page.VariantSection:
    row = shown.measured
    item = Item("train", row["dataset"], row["variant"])
    folder = paths.model(item.dataset, item.variant)
    drawn = files.require(paths.figures(item.dataset, item.variant))
    description = variant.load_description(folder)
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
            "epochs": len(shown.history),
            "best epoch": int(variant.best_epoch(shown.history)["epoch"]),
        },
        plane=_plane(shown, item) if planes.has_live_plane(shown) else None,
    )


def _plane(shown: Shown, item: Item) -> page.LatentPlane:
    return planes.live_plane(
        shown,
        _relative(_decoded(paths.PLANES, item.dataset, item.variant)),
        _relative(_originals(paths.PLANES, item.dataset)),
    )


def _relative(picture: Path) -> str:
    return picture.relative_to(paths.REPORT.parent).as_posix()
