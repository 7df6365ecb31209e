"""What stands in params.yaml as typed objects, read from the signatures of what is built of it.

The keys beside a `kind` are the arguments of the function or class that the kind names, with the
types, bounds and defaults of its signature: what a constructor takes is said once, where it is
defined. Nothing here or in those signatures imports torch.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, create_model

# What the pipeline itself hands to a constructor; the user never writes these.
GIVEN = {"input_shape", "image_shape", "latent_shape", "parameters", "perceive"}

Registry = Mapping[str, Callable[..., Any]]


class Strict(BaseModel):
    """A mapping with exactly these keys, each of exactly its type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Component(Strict):
    """An entry of a registry, by its `kind`, with its arguments beside."""

    constructor: ClassVar[Callable[..., Any]]
    kind: str

    def build(self, **given: Any) -> Any:
        """Call what `kind` names with the arguments, and with those of `given` that it takes."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}
        return self.constructor(
            **{name: value for name, value in given.items() if self.takes(name)},
            **{k: v.build() if isinstance(v, Component) else v for k, v in own.items()},
        )

    def takes(self, name: str) -> bool:
        """Tell whether what `kind` names has an argument called `name`."""
        return name in inspect.signature(self.constructor).parameters


def components(registry: Registry, nested: Mapping[type, Registry] | None = None) -> Any:
    """Return the type of all components that `registry` can build.

    An argument annotated by a key of `nested` is itself an entry of the registry there; its
    default, if it has one, is an object made without arguments.
    """
    schemas = [_component(kind, build, nested or {}) for kind, build in registry.items()]
    return _one_of(schemas)


def _one_of(schemas: Iterable[type[Component]]) -> Any:
    """Return the type of any of them, told apart by their `kind`."""
    return Annotated[Union[tuple(schemas)], Field(discriminator="kind")]  # noqa: UP007


def _component(
    kind: str, constructor: Callable[..., Any], nested: Mapping[type, Registry]
) -> type[Component]:
    fields = {
        name: _field(parameter, nested)
        for name, parameter in inspect.signature(constructor).parameters.items()
        if name not in GIVEN
    }
    schema: type[Component] = create_model(  # type: ignore[call-overload]
        kind, __base__=Component, kind=(Literal[kind], ...), **fields
    )
    schema.constructor = staticmethod(constructor)
    return schema


def _field(parameter: inspect.Parameter, nested: Mapping[type, Registry]) -> tuple[Any, Any]:
    default = ... if parameter.default is parameter.empty else parameter.default
    if isinstance(parameter.annotation, str):
        raise TypeError(f"{parameter}: the type of what params.yaml sets is written unquoted")
    registry = nested.get(parameter.annotation)
    if registry is None:
        return parameter.annotation, default
    schemas = {kind: _component(kind, build, {}) for kind, build in registry.items()}
    entry = _one_of(schemas.values())
    for kind, build in registry.items():
        if default is not ... and build is type(default):
            default = schemas[kind](kind=kind)
    return entry, default
