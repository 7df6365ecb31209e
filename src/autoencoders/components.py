"""Types for the parts of params.yaml, derived from the signatures of constructors.

`kind` selects a function or class of a registry. The keys next to `kind` are its arguments, with
the types, bounds and defaults of its signature.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model
from pydantic_core import core_schema

# Arguments that the pipeline passes to a constructor; they are not keys of params.yaml.
PIPELINE_ARGUMENTS = {"input_shape", "image_shape", "latent_shape", "parameters", "perceive"}

Registry = Mapping[str, Callable[..., Any]]


class Strict(BaseModel):
    """A mapping that allows no other keys and converts no types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Component(Strict):
    """An entry of a registry: its `kind` and its arguments."""

    constructor: ClassVar[Callable[..., Any]]
    kind: str

    def build(self, **pipeline_arguments: Any) -> Any:
        """Call the constructor with the arguments and all `pipeline_arguments` that it accepts."""
        keys = {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}
        return self.constructor(
            **{name: value for name, value in pipeline_arguments.items() if self.takes(name)},
            **{
                k: v.build(**pipeline_arguments) if isinstance(v, Component) else v
                for k, v in keys.items()
            },
        )

    def takes(self, name: str) -> bool:
        """Return whether the constructor has an argument called `name`."""
        return name in inspect.signature(self.constructor).parameters


class Alternatives:
    """Marks the type of a value that has several types, for messages: pydantic's tag → type."""

    def __init__(self, kinds: Mapping[str, type[Strict]]) -> None:
        self.kinds = kinds


class OneOf(Alternatives):
    """Marks a value of params.yaml as a component of a registry, selected by `kind`.

    `Annotated[Component, OneOf(REGISTRY)]` is the type of all components of `REGISTRY`. `nested`
    maps types to registries: an argument of such a type is itself a component of that registry.
    Its default, if any, is an object built without arguments.
    """

    def __init__(self, registry: Registry, nested: Mapping[type, Registry] | None = None) -> None:
        super().__init__(
            {kind: _component(kind, build, nested or {}) for kind, build in registry.items()}
        )

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return a schema that validates a value as the component of its `kind`."""
        choices: Any = Union[tuple(self.kinds.values())]  # noqa: UP007 - the number of types varies
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
        raise TypeError(f"{parameter}: write its type without quotes")
    registry = nested.get(parameter.annotation)
    if registry is None:
        return parameter.annotation, default
    entry = OneOf(registry)
    for kind, build in registry.items():
        if default is not ... and build is type(default):
            default = entry.kinds[kind].model_validate({"kind": kind})
    return Annotated[Component, entry], default
