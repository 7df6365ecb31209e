"""Examples of what the registries hold, made from the signatures: tests find every entry.

A new model, objective or input needs no change here. Only a new type in `param_types` may need a
line in `_candidates`.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import torch
from pydantic import TypeAdapter, ValidationError

from autoencoders.components import PIPELINE_ARGUMENTS
from autoencoders.param_types import ImageShape
from autoencoders.variants.assembly import Parts, assemble
from autoencoders.variants.inputs import INPUTS
from autoencoders.variants.models import MODELS
from autoencoders.variants.objectives import OBJECTIVES

T = TypeVar("T")

LENGTHS = (3, 2, 1, 4, 5)  # of lists, such as the widths of layers
WIDTH = 16  # of a layer: in a narrower one all units may die

# What a model may see, from the least change to the image on.
CLEAN: dict[str, Any] = {"kind": "clean"}
HALVED: dict[str, Any] = {"kind": "downsampled", "factor": 2, "reduction": "average"}


def example_arguments(
    constructor: Callable[..., Any], lengths: tuple[int, ...] = LENGTHS
) -> Iterator[dict[str, Any]]:
    """Yield arguments that params.yaml could have beside `kind`; what has a default keeps it.

    Numbers are small. Every choice between words is taken, lists are of all `lengths`, and whole
    numbers of a few sizes, as some must divide an image's.
    """
    required = {
        name: _values(parameter.annotation, lengths)
        for name, parameter in inspect.signature(constructor).parameters.items()
        if name not in PIPELINE_ARGUMENTS and parameter.default is parameter.empty
    }
    for values in product(*required.values()):
        yield dict(zip(required, values, strict=True))


def example_entries(registry: Mapping[str, Callable[..., Any]]) -> dict[str, dict[str, Any]]:
    """Return examples of every entry as params.yaml has them, by a name for each.

    Each has a `kind` and `example_arguments` with lists of two.
    """
    return {
        _name(kind, arguments): {"kind": kind, **arguments}
        for kind, constructor in registry.items()
        for arguments in example_arguments(constructor, lengths=(2,))
    }


def _name(kind: str, arguments: Mapping[str, Any]) -> str:
    told = [value for value in arguments.values() if isinstance(value, str | int | float)]
    return "-".join(map(str, [kind, *told]))


def fitting_model(
    kind: str, input_shape: ImageShape, image_shape: ImageShape
) -> dict[str, Any] | None:
    """Return the first example of a model that fits these shapes, as params.yaml has it."""
    for arguments in example_arguments(MODELS[kind]):
        try:
            with torch.device("meta"):
                MODELS[kind](input_shape=input_shape, image_shape=image_shape, **arguments)
        except ValueError:
            continue
        return {"kind": kind, **arguments}
    return None


def example_model(kind: str, image_shape: ImageShape) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an input and a model for it, as params.yaml has them; the input is clean if it can be.

    Raises:
        LookupError: no example fits.
    """
    restores: bool = getattr(MODELS[kind], "latent_holds_input", False)
    for seen in (HALVED,) if restores else (CLEAN, HALVED):
        if model := fitting_model(kind, build(INPUTS, seen).shape(image_shape), image_shape):
            return seen, model
    raise LookupError(f"no example of {kind} fits images of {image_shape}")


def example_parts(image_shape: ImageShape) -> dict[str, Parts]:
    """Return every model with every example of an objective that it can learn by, by name."""
    pairs = {}
    for kind in MODELS:
        seen, model = example_model(kind, image_shape)
        for name, objective in example_entries(OBJECTIVES).items():
            parts = Parts.model_validate({"input": seen, "model": model, "objective": objective})
            if fits(parts, image_shape):
                pairs[f"{kind}-{name}"] = parts
    return pairs


def fits(parts: Parts, image_shape: ImageShape) -> bool:
    """Tell whether parts fit images of this shape and each other."""
    try:
        with torch.device("meta"):
            assemble(parts, image_shape)
    except ValueError:
        return False
    return True


def build(registry: Mapping[str, Callable[..., T]], entry: Mapping[str, Any], **given: Any) -> T:
    """Return what an entry as params.yaml has it names, made with its arguments and `given`."""
    arguments = {name: value for name, value in entry.items() if name != "kind"}
    return registry[entry["kind"]](**given, **arguments)


def _values(annotation: Any, lengths: tuple[int, ...]) -> list[Any]:
    """Return a few values that params.yaml may have where a signature says `annotation`."""
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    values = [value for value in _candidates(bare, lengths) if _allowed(annotation, value)]
    if not values:
        raise TypeError(f"no example of {annotation}: give `_candidates` one")
    return values


def _candidates(bare: Any, lengths: tuple[int, ...]) -> list[Any]:
    if get_origin(bare) is Literal:
        return list(get_args(bare))
    if get_origin(bare) in (Union, UnionType):
        return [value for choice in get_args(bare) for value in _values(choice, lengths)]
    if get_origin(bare) is list:
        (of,) = get_args(bare)
        item = next(value for value in (WIDTH, *_values(of, lengths)) if _allowed(of, value))
        return [[item] * length for length in lengths]
    known: dict[Any, list[Any]] = {
        int: [8, 4, 2],
        float: [0.5],
        bool: [False, True],
        str: ["a"],
        NoneType: [None],
    }
    return known.get(bare, [{}] if get_origin(bare) is dict else [])


def _allowed(annotation: Any, value: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
