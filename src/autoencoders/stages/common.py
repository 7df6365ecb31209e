"""What several stages say and read beside the core."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from autoencoders import files, paths
from autoencoders.data.prepared import Prepared
from autoencoders.evaluation.metric import headline
from autoencoders.keys import Source
from autoencoders.pipeline import Item
from autoencoders.tracking import DataUsed


class _Sweep(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    n_images: int
    trained_at: float
    levels: list[float]
    psnr: list[float]
    yardsticks: dict[str, list[float]]

    @model_validator(mode="after")
    def _as_long_as_its_levels(self) -> "_Sweep":
        if any(len(curve) != len(self.levels) for curve in (self.psnr, *self.yardsticks.values())):
            raise ValueError("a curve is not as long as its levels")
        return self


class _Numbers(BaseModel):
    """What a file of metrics holds at least; all that is not named here is a finite number."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, float]

    dataset: str
    source: Source


class _Metrics(_Numbers):
    """The same of a variant's."""

    variant: str
    n_images: int
    model_sha256: str
    psnr: float
    yardsticks: dict[str, dict[str, float]]
    noise_sweep: _Sweep | None = None


def prepared_data(item: Item) -> DataUsed:
    """Describe the prepared images of a stage's dataset."""
    data = Prepared(paths.prepared(item.dataset))
    metadata = data.metadata
    return DataUsed(
        name=data.name,
        source=metadata.source,
        sha256=metadata.sha256,
        path=data.folder.as_posix(),
        splits={
            name: (split.n_images, *metadata.image_shape) for name, split in metadata.splits.items()
        },
        test_sha256=metadata.splits["test"].images_sha256,
    )


def load_metrics(item: Item) -> dict[str, Any]:
    """Return the content of a variant's metrics file.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = paths.metrics(item.dataset, item.variant)
    with files.readable(path):
        content: dict[str, Any] = files.read_json(path)
        found = _Metrics.model_validate(content)
        _require_own(item, found.dataset, found.variant)
    return content


def load_numbers(path: Path, item: Item) -> dict[str, float]:
    """Return the numbers of a file of metrics at its top, without how many images there were.

    Raises:
        UserError: the file is missing or damaged, or of another dataset than the item's.
    """
    with files.readable(path):
        content = files.read_json(path)
        _require_own(item, _Numbers.model_validate(content).dataset)
    return headline(content)


def _require_own(item: Item, *found: str) -> None:
    expected = (item.dataset, item.variant)[: len(found)]
    if found != expected:
        raise ValueError(f"it is of {' '.join(found)}, not of {' '.join(expected)}")
