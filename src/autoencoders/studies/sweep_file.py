"""The file of a sweep, such as `sweeps/vae-lr.yaml`: its keys, and its mistakes."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import torch
from annotated_types import Ge, MinLen
from pydantic import TypeAdapter, ValidationError

from autoencoders import params, yaml12
from autoencoders.components import Component, OneOf, Strict
from autoencoders.device import CPU
from autoencoders.errors import UserError, suggestion
from autoencoders.param_types import Count, ImageShape
from autoencoders.params import Params
from autoencoders.params.error_messages import describe, relevant_mistakes
from autoencoders.report.metrics import IMAGE_METRICS
from autoencoders.studies.study import (
    Choice,
    Domain,
    Grid,
    Integer,
    LogUniform,
    Uniform,
    Values,
    set_values,
)
from autoencoders.training.loop import TorchLearner
from autoencoders.training.parallel import SINGLE_PROCESS
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import assemble

DOMAINS = {
    **{"choice": Choice, "uniform": Uniform, "log_uniform": LogUniform},
    **{"integer": Integer, "grid": Grid},
}
ADomain: TypeAlias = Annotated[Component, OneOf(DOMAINS)]
DOMAIN: TypeAdapter[Component] = TypeAdapter(ADomain)
EVALUATED = tuple(metric.key for metric in IMAGE_METRICS if metric.better)
NAME = re.compile(r"[A-Za-z0-9_-]+")


class SweepFile(Strict):
    """The content of a sweep's file.

    Attributes:
        dataset: a dataset of params.yaml.
        variant: a variant of params.yaml; each trial replaces some of its values.
        space: dotted key of the variant → its possible values.
        metric: a column of the training's history at the best epoch, or a metric of `evaluate`, on
            the validation images.
        direction: whether lower or higher values of the metric are better.
        samples: the number of trials; with a grid, how often each of its points is tried.
        searcher: how values are drawn: by Optuna's TPE, at random, or all points of a grid.
        scheduler: `asha` ends a trial early if its metric is worse than those of others.
        seed: the seed of the searcher.
    """

    dataset: str
    variant: str
    space: Annotated[dict[str, ADomain], MinLen(1)]
    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"
    samples: Count
    searcher: Literal["tpe", "random", "grid"] = "tpe"
    scheduler: Literal["none", "asha"] = "none"
    seed: Annotated[int, Ge(0)] = 1

    @property
    def split(self) -> Literal["validation"] | None:
        """Return the images on which trials are measured; None if the history is enough."""
        return "validation" if self.metric in EVALUATED else None

    @property
    def domains(self) -> dict[str, Domain]:
        """Return the possible values of each dotted key."""
        return {key: entry.build() for key, entry in self.space.items()}


def load(path: Path, loaded: Params) -> SweepFile:
    """Return the validated file of a sweep over a variant of `loaded`.

    Raises:
        UserError: the file is missing or not YAML, in one line; or its values are wrong, in one
            line for each mistake: its key, the value found and what is allowed.
    """
    if not NAME.fullmatch(path.stem):
        raise UserError(f"{path}: found the name {path.stem!r}; allowed: a-z, A-Z, 0-9, _ and -")
    try:
        content = yaml12.read(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: the folder sweeps/ has examples") from None
    if mistakes := dict.fromkeys(_mistakes(content, loaded)):
        raise UserError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return SweepFile.model_validate(content)


def with_values(variant: Variant, values: Values) -> dict[str, Any]:
    """Return a variant's entry of params.yaml in which dotted keys have these values."""
    content: dict[str, Any] = variant.model_dump(mode="json", exclude_unset=True)
    set_values(content, values)
    return content


def _mistakes(content: Any, loaded: Params) -> Iterator[str]:
    """Yield the mistakes of all keys; a value of a wrong type is not examined further."""
    try:
        SweepFile.model_validate(content)
        details = []
    except ValidationError as error:
        details = relevant_mistakes(error.errors())
    yield from (describe(detail, SweepFile) for detail in details)
    if not isinstance(content, dict):
        return
    wrong = {detail["loc"][: 2 if detail["loc"][0] == "space" else 1] for detail in details}
    typed = {key: value for key, value in content.items() if (key,) not in wrong}
    space: dict[str, Domain] = {
        key: DOMAIN.validate_python(entry).build()
        for key, entry in typed.get("space", {}).items()
        if ("space", key) not in wrong
    }
    shapes, variants = params.image_shapes(loaded), loaded.variants
    for key, allowed in (("dataset", [*shapes]), ("variant", [*variants])):
        if key in typed and typed[key] not in allowed:
            yield f"{key}: found {typed[key]!r}{suggestion(typed[key], allowed)}"
    shape, variant = shapes.get(typed.get("dataset", "")), variants.get(typed.get("variant", ""))
    yield from _grid_mistakes(content.get("searcher", "tpe"), space)
    for key, domain in space.items():
        yield from (f"space.{key}.{mistake}" for mistake in _domain_mistakes(domain))
    if variant:
        yield from _key_mistakes(variant, space)
    if variant and shape and "metric" in typed:
        allowed = [*_columns(variant, shape), *EVALUATED]
        if typed["metric"] not in allowed:
            yield f"metric: found {typed['metric']!r}{suggestion(typed['metric'], allowed)}"
        elif typed["metric"] in EVALUATED and typed.get("scheduler") == "asha":
            columns = ", ".join(_columns(variant, shape))
            yield (
                f"metric: found {typed['metric']!r}, which is measured after a training; allowed "
                f"with scheduler asha: {columns}"
            )


def _grid_mistakes(searcher: str, space: Mapping[str, Domain]) -> Iterator[str]:
    grids = [key for key, domain in space.items() if isinstance(domain, Grid)]
    if searcher == "grid" and space and not grids:
        yield "searcher: found 'grid', but no key of space has kind: grid; allowed: tpe, random"
    if searcher in ("tpe", "random"):
        allowed = ", ".join(kind for kind in DOMAINS if kind != "grid")
        for key in grids:
            yield (
                f"space.{key}.kind: found 'grid'; allowed with searcher {searcher}: {allowed}; or "
                "set searcher: grid"
            )


def _domain_mistakes(domain: Domain) -> Iterator[str]:
    match domain:
        case Choice(values) | Grid(values):
            texts = [json.dumps(value, default=str) for value in values]
            yield from (
                f"values: found {text} twice; list it once"
                for text in texts
                if texts.count(text) > 1
            )
            if any(isinstance(value, dict) for value in values):
                yield (
                    "values: found keys with values; allowed: numbers, text, true, false, null and "
                    "lists; write each of these keys as a dotted key of space"
                )
        case Uniform(low, high) | LogUniform(low, high) | Integer(low, high):
            if low >= high:
                yield f"high: found {high}; allowed: a number above low, {low}"


def _key_mistakes(variant: Variant, space: Mapping[str, Domain]) -> Iterator[str]:
    """Yield the mistakes that the values of each key cause, with the first values of all others."""
    samples = {
        key: domain.values if isinstance(domain, Choice | Grid) else [domain.low, domain.high]
        for key, domain in space.items()
    }
    first = {key: values[0] for key, values in samples.items()}
    for key, values in samples.items():
        for value in values:
            try:
                Variant.model_validate(with_values(variant, first | {key: value}))
            except ValidationError as error:
                for detail in relevant_mistakes(error.errors()):
                    yield f"space.{describe(detail, Variant)}"


def _columns(variant: Variant, shape: ImageShape) -> list[str]:
    """Return the columns of the history that describe validation images `(C, H, W)`."""
    if params.why_impossible(variant, shape):
        return ["validation_loss", "validation_mse"]  # which every objective has
    assembled = assemble(variant, shape, perceive=lambda images: [images])
    learner = TorchLearner(assembled, variant.training, 0, "", CPU, SINGLE_PROCESS)
    return list(learner.validate(torch.zeros((1, *shape), dtype=torch.uint8)))
