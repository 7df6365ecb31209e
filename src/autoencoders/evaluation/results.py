"""Reads metrics files and checks their content."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from autoencoders import files
from autoencoders.param_types import Source

# Values by the names of metrics; under `yardsticks`, the same for each yardstick by its name.
Metrics = dict[str, Any]


class _Sweep(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    n_images: int
    trained_at: float
    levels: list[float]
    psnr: list[float]
    yardsticks: dict[str, list[float]]


class _NumbersFile(BaseModel):
    """The required keys of a file of metrics; all other values are finite numbers."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, float]

    dataset: str
    source: Source


class _MetricsFile(_NumbersFile):
    """The required keys of a variant's metrics file."""

    variant: str
    n_images: int
    model_sha256: str
    psnr: float
    yardsticks: dict[str, dict[str, float]]
    noise_sweep: _Sweep | None = None


def load(path: Path, dataset: str, variant: str) -> Metrics:
    """Return the content of a variant's metrics file.

    Raises:
        UserError: the file is missing, damaged or belongs to another variant.
    """
    with files.readable(path):
        content: Metrics = files.read_json(path)
        checked = _MetricsFile.model_validate(content)
        _require_owner((dataset, variant), (checked.dataset, checked.variant))
    return content


def load_numbers(path: Path, dataset: str) -> dict[str, float]:
    """Return the numbers at the top level of a file of metrics, without `n_images`.

    Raises:
        UserError: the file is missing, damaged or belongs to another dataset.
    """
    with files.readable(path):
        content = files.read_json(path)
        _require_owner((dataset,), (_NumbersFile.model_validate(content).dataset,))
    return headline(content)


def headline(content: Mapping[str, Any]) -> dict[str, float]:
    """Return the network's metrics from the content of a metrics file, without yardsticks."""
    return {
        name: value
        for name, value in content.items()
        if isinstance(value, int | float) and name != "n_images"
    }


def _require_owner(expected: tuple[str, ...], found: tuple[str, ...]) -> None:
    if found != expected:
        raise ValueError(f"found the metrics of {' '.join(found)}; allowed: {' '.join(expected)}")
