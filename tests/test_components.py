from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from autoencoders.components import Component, OneOf
from autoencoders.param_types import Count, ImageShape, Weight


class Shade:
    """A component that is an argument of another component."""

    def __init__(self, grey: Weight = 0.5) -> None:
        self.grey = grey


GREY = Shade()


class Pencil:
    """A component with a nested component as the default."""

    def __init__(
        self,
        image_shape: ImageShape,
        width: Count,
        tip: Literal["hard", "soft"] = "hard",
        shade: Shade = GREY,
    ) -> None:
        self.arguments = (image_shape, width, tip, shade.grey)


def brush(width: Count) -> int:
    return 10 * width


TOOLS = TypeAdapter(
    Annotated[Component, OneOf({"pencil": Pencil, "brush": brush}, {Shade: {"shade": Shade}})]
)


def tool(**entry: Any) -> Any:
    return TOOLS.validate_python(entry)


# --- components of a registry


def test_defaults_of_the_signature_are_defaults_in_params() -> None:
    written_out = {"tip": "hard", "shade": {"kind": "shade", "grey": 0.5}}
    assert tool(kind="pencil", width=2) == tool(kind="pencil", width=2, **written_out)
    built = tool(kind="pencil", width=2).build(image_shape=(1, 2, 3))
    assert built.arguments == ((1, 2, 3), 2, "hard", 0.5)


def test_a_written_value_replaces_the_default() -> None:
    entry = tool(kind="pencil", width=2, tip="soft", shade={"kind": "shade", "grey": 0.25})
    assert entry.build(image_shape=(1, 2, 3)).arguments == ((1, 2, 3), 2, "soft", 0.25)


def test_an_argument_without_default_is_required() -> None:
    with pytest.raises(ValidationError, match=r"width\n.*Field required"):
        tool(kind="pencil")


def test_pipeline_arguments_are_not_keys_and_go_to_constructors_that_accept_them() -> None:
    with pytest.raises(ValidationError, match=r"image_shape\n.*Extra inputs"):
        tool(kind="pencil", width=2, image_shape=(1, 2, 3))
    assert tool(kind="brush", width=2).build(image_shape=(1, 2, 3)) == 20
    assert tool(kind="pencil", width=2).takes("image_shape")
    assert not tool(kind="brush", width=2).takes("image_shape")


@pytest.mark.parametrize("width", [0, 1.5, "2", True, None])
def test_types_and_bounds_are_those_of_the_signature(width: Any) -> None:
    with pytest.raises(ValidationError, match=r"brush\.width"):
        tool(kind="brush", width=width)
