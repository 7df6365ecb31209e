"""A trained variant's pictures, those of the table that fit it."""

from pathlib import Path
from typing import Any

from autoencoders import files, paths
from autoencoders.components import configured
from autoencoders.data.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.errors import leave_out
from autoencoders.figures import TABLE, plots
from autoencoders.figures.shown import Shown
from autoencoders.lazy import without_gradients
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.stages.common import load_metrics, prepared_data
from autoencoders.tracking import DataUsed, StageRun
from autoencoders.trained import variant


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the figures' settings; the variant's own are in the model's folder."""
    return params.figures.model_dump(mode="json")


def data_used(item: Item) -> DataUsed:
    """Describe the prepared images."""
    return prepared_data(item)


def outputs(item: Item) -> list[Path]:
    """Return the folder of figures."""
    return [paths.figures(item.dataset, item.variant)]


@without_gradients
def produce(params: Params, item: Item, run: StageRun) -> str:
    """Draw every figure that fits the variant and that there are enough images for."""
    shown, source = _load(item)
    fitting = [drawing for drawing in TABLE if drawing.fits(shown)]
    for drawing in fitting:
        if lacking := drawing.lacks(shown):
            leave_out(drawing.file, lacking)
    drawings = [drawing for drawing in fitting if not drawing.lacks(shown)]
    with files.atomic_directory(outputs(item)[0]) as folder:
        for drawing in drawings:
            figure = configured(drawing.draw, params.figures)(shown)
            plots.save(figure, folder / drawing.file, source)
    return f"{len(drawings)} figures in {outputs(item)[0]}"


def log(item: Item, run: StageRun) -> None:
    """Log the figures."""
    run.log(artifacts=sorted(outputs(item)[0].glob("*.png")))


def _load(item: Item) -> tuple[Shown, str]:
    """Return what is drawn, and the source of its images."""
    folder = paths.model(item.dataset, item.variant)
    data = Prepared(paths.prepared(item.dataset))
    device = exact_device()
    description, assembled = variant.load(folder, device)
    shown = Shown(
        title=f"{data.metadata.title}, {item.variant}",
        assembled=assembled,
        history=variant.load_history(folder),
        train=data.images("train"),
        test=data.images("test"),
        labels=data.labels("test").byte().numpy(),
        class_names=data.metadata.class_names,
        measured=load_metrics(item),
        seed=description.seed,
        device=device,
    )
    return shown, description.source
