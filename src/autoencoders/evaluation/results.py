"""Metrics as files, and back again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from autoencoders import files
from autoencoders.param_types import Source

# What a question about a trained variant is answered with: numbers by the names of metrics, and
# under `yardsticks` the same of what the network is held against.
Metrics = dict[str, Any]


class _Sweep(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    n_images: int
    trained_at: float
    levels: list[float]
    psnr: list[float]
    yardsticks: dict[str, list[float]]


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


def load(path: Path, dataset: str, variant: str) -> Metrics:
    """Return the content of a variant's metrics file.

    Raises:
        UserError: the file is missing or damaged, or of another variant.
    """
    with files.readable(path):
        content: Metrics = files.read_json(path)
        found = _Metrics.model_validate(content)
        _require_own((dataset, variant), (found.dataset, found.variant))
    return content


def load_numbers(path: Path, dataset: str) -> dict[str, float]:
    """Return the numbers of a file of metrics at its top, without how many images there were.

    Raises:
        UserError: the file is missing or damaged, or of another dataset.
    """
    with files.readable(path):
        content = files.read_json(path)
        _require_own((dataset,), (_Numbers.model_validate(content).dataset,))
    return headline(content)


def headline(content: Mapping[str, Any]) -> dict[str, float]:
    """Return the network's own numbers out of a metrics file's content."""
    return {
        name: value
        for name, value in content.items()
        if isinstance(value, int | float) and name != "n_images"
    }


def _require_own(expected: tuple[str, ...], found: tuple[str, ...]) -> None:
    if found != expected:
        raise ValueError(f"it is of {' '.join(found)}, not of {' '.join(expected)}")
