"""What stands in params.yaml as typed objects, read from the signatures of what is built of it.

The keys beside a `kind` are the arguments of the function or class that the kind names, with the
types, bounds and defaults of its signature: what a constructor takes is said once, where it is
defined.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model
from pydantic_core import core_schema

# What the pipeline itself hands to a constructor; the user never writes these.
PIPELINE_ARGUMENTS = {"input_shape", "image_shape", "latent_shape", "parameters", "perceive"}

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


class OneOf:
    """Marks what is written in params.yaml as one of a registry's components, by its `kind`.

    `Annotated[Component, OneOf(REGISTRY)]` is the type of all that `REGISTRY` can build. An
    argument annotated by a key of `nested` is itself an entry of the registry there; its default,
    if it has one, is an object made without arguments.
    """

    def __init__(self, registry: Registry, nested: Mapping[type, Registry] | None = None) -> None:
        self.kinds = {
            kind: _component(kind, build, nested or {}) for kind, build in registry.items()
        }

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate by the component that `kind` names."""
        choices: Any = Union[tuple(self.kinds.values())]  # noqa: UP007 - of as many as there are
        return handler.generate_schema(Annotated[choices, Field(discriminator="kind")])


def _component(
    kind: str, constructor: Callable[..., Any], nested: Mapping[type, Registry]
) -> type[Component]:
    fields = {
        name: _field(parameter, nested)
        for name, parameter in inspect.signature(constructor).parameters.items()
        if name not in PIPELINE_ARGUMENTS
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
    entry = OneOf(registry)
    for kind, build in registry.items():
        if default is not ... and build is type(default):
            default = entry.kinds[kind](kind=kind)
    return Annotated[Component, entry], default
