"""params.yaml as typed, validated objects: the only reader of that file.

The keys beside a `kind` are the arguments of the function or class that the kind names, with the
types and bounds of its signature: what a constructor takes is said once, where it is defined.
"""

import difflib
import inspect
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import torch
import yaml
from annotated_types import Ge, Gt, Lt, MinLen
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from autoencoders import paths
from autoencoders.data.datasets import DATASETS, Misfits
from autoencoders.errors import UserError
from autoencoders.inputs import INPUTS, ImageShape
from autoencoders.models import MODELS
from autoencoders.objectives import OBJECTIVES
from autoencoders.training.optimizers import OPTIMIZERS, SCHEDULES

# What the pipeline itself hands to a constructor; the user never writes these.
GIVEN = {"input_shape", "image_shape", "latent_shape", "parameters", "perceive"}

Count = Annotated[int, Gt(0)]
Rate = Annotated[float, Gt(0)]
Names = Annotated[list[str], MinLen(1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]  # fit for a path and a stage
Built = TypeVar("Built")


class Strict(BaseModel):
    """A mapping with exactly these keys, each of exactly its type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Component(Strict):
    """An entry of a registry, by its `kind`, with its arguments beside."""

    kind: str

    def build(self, registry: Mapping[str, Callable[..., Built]], **given: Any) -> Built:
        """Call what `kind` names with the arguments, and with those of `given` that it takes."""
        return registry[self.kind](
            **{name: value for name, value in given.items() if self.takes(registry, name)},
            **self.model_dump(exclude={"kind"}),
        )

    def takes(self, registry: Mapping[str, Callable[..., Any]], name: str) -> bool:
        """Tell whether what `kind` names has an argument called `name`."""
        return name in inspect.signature(registry[self.kind]).parameters


def _components(registry: Mapping[str, Callable[..., Any]]) -> Any:
    """Return the type of all components that `registry` can build."""
    schemas = [_component(kind, constructor) for kind, constructor in registry.items()]
    return Annotated[Union[tuple(schemas)], Field(discriminator="kind")]  # noqa: UP007


def _component(kind: str, constructor: Callable[..., Any]) -> type[Component]:
    function = constructor.__init__ if inspect.isclass(constructor) else constructor
    hints = get_type_hints(function, include_extras=True)
    fields = {
        name: (hints[name], ...)
        for name in inspect.signature(constructor).parameters
        if name not in GIVEN
    }
    return create_model(  # type: ignore[call-overload]
        kind, __base__=Component, kind=(Literal[kind], ...), **fields
    )


if TYPE_CHECKING:
    AnInput: TypeAlias = Component
    AModel: TypeAlias = Component
    AnObjective: TypeAlias = Component
    AnOptimizer: TypeAlias = Component
    ASchedule: TypeAlias = Component
else:
    AnInput = _components(INPUTS)
    AModel = _components(MODELS)
    AnObjective = _components(OBJECTIVES)
    AnOptimizer = _components(OPTIMIZERS)
    ASchedule = _components(SCHEDULES)


class StandIn(Strict):
    """How many images the generated data sets hold."""

    train_images: Annotated[int, Ge(100)]
    test_images: Annotated[int, Ge(10)]


class ImageFolder(Strict):
    """People's own images as a dataset, made `size`×`size` pixels large with 1 or 3 channels.

    `test_fraction` is null where the folder has `train/` and `test/`; the title is by default the
    dataset's name. What becomes of `misfits`, files that cannot be read or are of another size,
    stands at `folders.fetch`.
    """

    folder: Annotated[str, MinLen(1)]
    size: Count
    channels: Literal[1, 3]
    test_fraction: Annotated[float, Gt(0), Lt(1)] | None = None
    misfits: Misfits = "refuse"
    title: Annotated[str, MinLen(1)] | None = None


class Data(Strict):
    """Where the images come from, and what share of the training images trains.

    `datasets` are people's own; the published ones have names already.
    """

    source: Literal["official", "stand-in", "auto"]
    train_fraction: Annotated[float, Gt(0), Lt(1)]
    stand_in: StandIn
    datasets: dict[Name, ImageFolder]


class Training(Strict):
    """How long and how a variant learns; `epochs` are passes over the training images.

    There is one optimiser for each step that an update of the objective takes, by its name.
    `ema_decay` is that of an exponential moving average of the weights, which is then what is
    validated and saved; 0 averages nothing. `early_stopping_patience` is how many epochs in a row
    may not lower the validation loss before training ends; null never ends it early.
    """

    epochs: Count
    batch_size: Count
    optimizers: dict[str, AnOptimizer]
    schedule: ASchedule
    initialization: Literal["default", "kaiming"]
    precision: Literal["auto", "float32", "bfloat16"]
    ema_decay: Annotated[float, Ge(0), Lt(1)]
    early_stopping_patience: Count | None


class Variant(Strict):
    """What the encoder sees × the network × what one update is, and how it is trained."""

    input: AnInput
    model: AModel
    objective: AnObjective
    training: Training


class Classifier(Strict):
    """The network that tells a dataset's classes apart, and how it learns.

    `channels` are the widths of its convolutions, `features` that of the layer before the classes.
    """

    channels: Annotated[list[Count], MinLen(1)]
    features: Count
    epochs: Count
    batch_size: Count
    optimizer: AnOptimizer
    schedule: ASchedule


class Evaluation(Strict):
    """How test metrics are computed.

    `noise_levels` maps the kind of an input to the standard deviations of the noise under which
    variants with this input are measured besides, on the first `noise_images` test images.
    """

    batch_size: Count
    elbo_draws: Count
    knn_neighbours: Count
    label_counts: list[Count]
    label_draws: Annotated[int, Ge(2)]
    iwae_samples: Count
    noise_levels: dict[str, list[Annotated[float, Ge(0)]]]
    noise_images: Count


class Figures(Strict):
    """How much the figures show.

    A Gaussian and a mixture of `mixture_components` are fitted to the codes of the first
    `fitted_codes` training images.
    """

    images: Count
    manifold_steps: Annotated[int, Ge(2)]
    perturbed_dimensions: Count
    perturbation_steps: Annotated[int, Ge(2)]
    interpolated_pairs: Count
    fitted_codes: Annotated[int, Ge(2)]
    mixture_components: Count


class Params(Strict):
    """The whole of params.yaml."""

    seed: Annotated[int, Ge(0)]
    experiment: Annotated[str, MinLen(1)]
    datasets_to_run: Names
    variants_to_run: Names
    data: Data
    variants: dict[Name, Variant]
    classifier: Classifier
    evaluation: Evaluation
    figures: Figures


def load(path: Path = paths.PARAMS) -> Params:
    """Return the validated params.

    Raises:
        UserError: a line for each mistake, with its key, what was found and what is allowed.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run this in the repository's root folder") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    return parse(content, str(path))


def parse(content: Any, origin: str) -> Params:
    """Return validated params from the plain content of a YAML file; `origin` names it."""
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        mistakes = [_describe(mistake) for mistake in error.errors()]
        raise UserError("\n".join(f"{origin}: {mistake}" for mistake in mistakes)) from None
    if mistakes := _contradictions(params):
        raise UserError("\n".join(f"{origin}: {mistake}" for mistake in mistakes))
    return params


def image_shapes(params: Params) -> dict[str, ImageShape]:
    """Return the `(C, H, W)` of every known dataset by name, published and people's own."""
    published = {name: dataset.shape for name, dataset in DATASETS.items()}
    own = {name: (d.channels, d.size, d.size) for name, d in params.data.datasets.items()}
    return published | own


def _contradictions(params: Params) -> list[str]:
    """Return what is wrong although every value is fine by itself."""
    taken = [
        f"data.datasets.{name}: a published dataset has this name; choose another"
        for name in params.data.datasets
        if name in DATASETS
    ]
    if paths.CLASSIFIER in params.variants:
        taken.append(
            f"variants.{paths.CLASSIFIER}: each dataset's classifier has this name; choose another"
        )
    names = [
        *_wrong_names("datasets_to_run", params.datasets_to_run, image_shapes(params)),
        *_wrong_names("variants_to_run", params.variants_to_run, params.variants),
        *_wrong_names("evaluation.noise_levels", list(params.evaluation.noise_levels), INPUTS),
    ]
    impossible = [
        f"variants.{name}: {reason}"
        for name, variant in params.variants.items()
        for reason in _why_unfit(params, name, variant)
    ]
    return taken + names + impossible


def _why_unfit(params: Params, name: str, variant: Variant) -> list[str]:
    """Return why a variant that is to run fails on a dataset to run, or another on all datasets.

    A variant that only suits other datasets than those to run is thus no mistake.
    """
    known = image_shapes(params)
    to_run = sorted({known[dataset] for dataset in params.datasets_to_run if dataset in known})
    if name in params.variants_to_run:
        found = (why_impossible(variant, shape) for shape in to_run)
        return list(dict.fromkeys(reason for reason in found if reason))
    # Almost always the first one will do, so that the rest is not built.
    first: list[str] = []
    for shape in dict.fromkeys((*to_run, *known.values())):
        reason = why_impossible(variant, shape)
        if reason is None:
            return []
        first = first or [reason]
    return first


def _wrong_names(key: str, names: list[str], allowed: Collection[str]) -> list[str]:
    unknown = [
        f"{key}: found {name!r}{suggestion(name, allowed)}" for name in names if name not in allowed
    ]
    twice = [f"{key}: found {name!r} twice" for name in sorted(set(names)) if names.count(name) > 1]
    return unknown + twice


def why_impossible(variant: Variant, image_shape: ImageShape) -> str | None:
    """Return why `variant` cannot train on images of this `(C, H, W)`, or None where it can."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            corruption = variant.input.build(INPUTS)
            input_shape = corruption.shape(image_shape)
            model = variant.model.build(MODELS, input_shape=input_shape, image_shape=image_shape)
            objective = variant.objective.build(
                OBJECTIVES, latent_shape=model.latent_shape, perceive=None
            )
            objective.check(model)
            model(torch.zeros(1, *input_shape))
    except (ValueError, RuntimeError) as error:
        return str(error)
    steps = list(objective.parameter_groups(model))
    if sorted(steps) != sorted(variant.training.optimizers):
        found = ", ".join(variant.training.optimizers)
        return f"training.optimizers: found {found}; this objective needs {', '.join(steps)}"
    return None


def _describe(mistake: ErrorDetails) -> str:
    """Return one mistake as `dotted.key: what was found; what is allowed`."""
    found, context = mistake["input"], mistake.get("ctx", {})
    location, siblings = _locate(mistake["loc"])
    key = ".".join(location) or "the file"
    match mistake["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key{suggestion(location[-1], siblings)}"
        case "missing":
            return f"{key}: missing; add it"
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            return f"{key}.kind: found {context['tag']!r}{suggestion(context['tag'], tags)}"
        case "union_tag_not_found":
            return f"{key}.kind: missing; add it"
    allowed = mistake["msg"].removeprefix("Input should be ")
    hint = "; write 1.0e-3 for 1e-3, which YAML reads as text" if _is_exponent(found) else ""
    return f"{key}: found {found!r}; allowed: {allowed}{hint}"


def _locate(location: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """Return a mistake's keys as the file has them, and all keys allowed beside the last one.

    Pydantic also counts the `kind` that it chose as a step of the way; the file does not.
    """
    schema: Any = Params
    keys: list[str] = []
    siblings: list[str] = []
    for item in location:
        if get_origin(schema) is Annotated:
            schema = get_args(schema)[0]
        if get_origin(schema) is Union:
            schema = next(s for s in get_args(schema) if _kind(s) == item)
            continue
        keys.append(str(item))
        if inspect.isclass(schema) and issubclass(schema, Strict):
            siblings = list(schema.model_fields)
            field = schema.model_fields.get(str(item))
            schema = field.annotation if field else None
        else:
            schema = (get_args(schema) or [None])[-1]
    return keys, siblings


def _kind(schema: type[Component]) -> str:
    return str(get_args(schema.model_fields["kind"].annotation)[0])


def suggestion(found: str, allowed: Collection[str]) -> str:
    """Return what to say after an unknown name: the nearest known one, and all known ones."""
    close = difflib.get_close_matches(found, allowed, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"{meant}; allowed: {', '.join(allowed)}"


def _is_exponent(found: Any) -> bool:
    if not isinstance(found, str):
        return False
    try:
        float(found)
    except ValueError:
        return False
    return True
