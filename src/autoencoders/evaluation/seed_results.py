"""The file of a variant's test metrics for several seeds, `reports/seeds/mnist/vae.json`.

Its digests, or its metrics for the pipeline's seed, show whether it still belongs to the present
params, data and code.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import ConfigDict, FiniteFloat, TypeAdapter, with_config

from autoencoders import files, paths
from autoencoders.errors import UserError
from autoencoders.param_types import Source


@dataclass(frozen=True)
class Digests:
    """The SHA-256 of all that affects the results of a variant for any seed."""

    params: str
    data: str
    code: str


@with_config(ConfigDict(strict=True, extra="forbid"))
@dataclass(frozen=True)
class SeedResults:
    """The test metrics of a variant for several seeds of the training.

    Attributes:
        dataset: the name of the dataset.
        variant: the name of the variant.
        source: the source of the images.
        n_images: the number of test images.
        digests: the state of params, data and code at the time of the trainings.
        seeds: seed → metric → value.
    """

    dataset: str
    variant: str
    source: Source
    n_images: int
    digests: Digests
    seeds: Mapping[int, Mapping[str, FiniteFloat]]

    @property
    def metrics(self) -> list[str]:
        """Return the names of all metrics."""
        return [*dict.fromkeys(name for numbers in self.seeds.values() for name in numbers)]

    def values(self, metric: str) -> dict[int, float]:
        """Return seed → value of a metric, without seeds that lack it."""
        return {seed: numbers[metric] for seed, numbers in self.seeds.items() if metric in numbers}

    def changes(self, current: Digests) -> list[str]:
        """Return which of params, data and code have changed since; [] if up to date."""
        before, now = asdict(self.digests), asdict(current)
        return [name for name, digest in before.items() if digest != now[name]]

    def agree(self, seed: int, metrics: Mapping[str, object]) -> bool:
        """Return whether all metrics for a seed are equal to those of a run of the pipeline.

        Then changes of params and code, such as new metrics, have not changed these results.
        """
        known = self.seeds.get(seed, {})
        return bool(known) and all(metrics.get(name) == value for name, value in known.items())


ADAPTER = TypeAdapter(SeedResults)


def load(dataset: str, variant: str) -> SeedResults | None:
    """Return the results of a variant for several seeds, or None if there are none.

    Raises:
        UserError: the file is damaged or belongs to another variant.
    """
    path = paths.seeds(dataset, variant)
    if not path.exists():
        return None
    try:
        with files.readable(path):
            results = ADAPTER.validate_json(path.read_bytes())
            if (results.dataset, results.variant) != (dataset, variant):
                raise ValueError(
                    f"found the results of {results.dataset}/{results.variant}; allowed: "
                    f"{dataset}/{variant}"
                )
            return results
    except files.DamagedFileError as error:
        raise UserError(
            f"{error}: delete it, then run `autoencoders seeds {dataset}/{variant}`"
        ) from error


def save(results: SeedResults) -> None:
    """Write the results of a variant, with the seeds in order."""
    content = asdict(results) | {"seeds": dict(sorted(results.seeds.items()))}
    files.write_json(paths.seeds(results.dataset, results.variant), content)
