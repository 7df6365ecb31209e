"""Examples of every registry entry, generated from the signatures.

A new model, objective or input needs no change here. A new type in `param_types` may need a line
in `_candidates`.
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

LENGTHS = (3, 2, 1, 4, 5)  # of lists, such as widths of layers
WIDTH = 16  # of a layer: in narrower layers all ReLU units may become inactive

# Inputs of the examples, the simplest first.
CLEAN: dict[str, Any] = {"kind": "clean"}
HALVED: dict[str, Any] = {"kind": "downsampled", "factor": 2, "reduction": "average"}


def example_arguments(
    constructor: Callable[..., Any], lengths: tuple[int, ...] = LENGTHS
) -> Iterator[dict[str, Any]]:
    """Yield valid arguments of a constructor, without those that have a default.

    Numbers are small. There is an example for every allowed word, every length of a list in
    `lengths`, and a few whole numbers, because some must divide an image's size.
    """
    required = {
        name: _values(parameter.annotation, lengths)
        for name, parameter in inspect.signature(constructor).parameters.items()
        if name not in PIPELINE_ARGUMENTS and parameter.default is parameter.empty
    }
    for values in product(*required.values()):
        yield dict(zip(required, values, strict=True))


def example_entries(registry: Mapping[str, Callable[..., Any]]) -> dict[str, dict[str, Any]]:
    """Return examples of every entry, as in params.yaml, by a unique name.

    Each has a `kind` and `example_arguments` with lists of two entries.
    """
    return {
        _name(kind, arguments): {"kind": kind, **arguments}
        for kind, constructor in registry.items()
        for arguments in example_arguments(constructor, lengths=(2,))
    }


def _name(kind: str, arguments: Mapping[str, Any]) -> str:
    values = [value for value in arguments.values() if isinstance(value, str | int | float)]
    return "-".join(map(str, [kind, *values]))


def fitting_model(
    kind: str, input_shape: ImageShape, image_shape: ImageShape
) -> dict[str, Any] | None:
    """Return the first example of a model that fits these shapes; None if none fits."""
    for arguments in example_arguments(MODELS[kind]):
        try:
            with torch.device("meta"):
                MODELS[kind](input_shape=input_shape, image_shape=image_shape, **arguments)
        except ValueError:
            continue
        return {"kind": kind, **arguments}
    return None


def example_model(kind: str, image_shape: ImageShape) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an input and a model for it, as in params.yaml; the input is clean if possible.

    Raises:
        LookupError: no example fits.
    """
    restores: bool = getattr(MODELS[kind], "latent_holds_input", False)
    for input in (HALVED,) if restores else (CLEAN, HALVED):
        if model := fitting_model(kind, build(INPUTS, input).shape(image_shape), image_shape):
            return input, model
    raise LookupError(f"no example of {kind} fits images of {image_shape}")


def example_parts(image_shape: ImageShape) -> dict[str, Parts]:
    """Return every model with every example of a fitting objective, by name."""
    examples = {}
    for kind in MODELS:
        input, model = example_model(kind, image_shape)
        for name, objective in example_entries(OBJECTIVES).items():
            parts = Parts.model_validate({"input": input, "model": model, "objective": objective})
            if fits(parts, image_shape):
                examples[f"{kind}-{name}"] = parts
    return examples


def fits(parts: Parts, image_shape: ImageShape) -> bool:
    """Return whether the parts fit each other and images of this shape."""
    try:
        with torch.device("meta"):
            assemble(parts, image_shape)
    except ValueError:
        return False
    return True


def build(registry: Mapping[str, Callable[..., T]], entry: Mapping[str, Any], **shapes: Any) -> T:
    """Return the object of an entry, as in params.yaml, made with its arguments and `shapes`."""
    arguments = {name: value for name, value in entry.items() if name != "kind"}
    return registry[entry["kind"]](**shapes, **arguments)


def _values(annotation: Any, lengths: tuple[int, ...]) -> list[Any]:
    """Return a few valid values for an argument with this annotation."""
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    values = [value for value in _candidates(bare, lengths) if _allowed(annotation, value)]
    if not values:
        raise TypeError(f"no example of {annotation}: add one to `_candidates`")
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
    examples: dict[Any, list[Any]] = {
        int: [8, 4, 2],
        float: [0.5],
        bool: [False, True],
        str: ["a"],
        NoneType: [None],
    }
    return examples.get(bare, [{}] if get_origin(bare) is dict else [])


def _allowed(annotation: Any, value: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
