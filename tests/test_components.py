from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from autoencoders.components import Component, OneOf
from autoencoders.param_types import Count, ImageShape, Weight


class Shade:
    """A part of a part."""

    def __init__(self, grey: Weight = 0.5) -> None:
        self.grey = grey


GREY = Shade()


class Pencil:
    """What has a part that need not be named."""

    def __init__(
        self,
        image_shape: ImageShape,
        width: Count,
        tip: Literal["hard", "soft"] = "hard",
        shade: Shade = GREY,
    ) -> None:
        self.made_of = (image_shape, width, tip, shade.grey)


def brush(width: Count) -> int:
    return 10 * width


TOOLS = TypeAdapter(
    Annotated[Component, OneOf({"pencil": Pencil, "brush": brush}, {Shade: {"shade": Shade}})]
)


def tool(**entry: Any) -> Any:
    return TOOLS.validate_python(entry)


# --- a registry's entries


def test_defaults_of_a_signature_are_defaults_in_params() -> None:
    written_out = {"tip": "hard", "shade": {"kind": "shade", "grey": 0.5}}
    assert tool(kind="pencil", width=2) == tool(kind="pencil", width=2, **written_out)
    built = tool(kind="pencil", width=2).build(image_shape=(1, 2, 3))
    assert built.made_of == ((1, 2, 3), 2, "hard", 0.5)


def test_what_is_written_stands_before_the_default() -> None:
    entry = tool(kind="pencil", width=2, tip="soft", shade={"kind": "shade", "grey": 0.25})
    assert entry.build(image_shape=(1, 2, 3)).made_of == ((1, 2, 3), 2, "soft", 0.25)


def test_what_a_signature_gives_no_default_has_to_be_written() -> None:
    with pytest.raises(ValidationError, match=r"width\n.*Field required"):
        tool(kind="pencil")


def test_what_the_pipeline_gives_is_no_key_and_goes_to_what_takes_it() -> None:
    with pytest.raises(ValidationError, match=r"image_shape\n.*Extra inputs"):
        tool(kind="pencil", width=2, image_shape=(1, 2, 3))
    assert tool(kind="brush", width=2).build(image_shape=(1, 2, 3)) == 20
    assert tool(kind="pencil", width=2).takes("image_shape")
    assert not tool(kind="brush", width=2).takes("image_shape")


@pytest.mark.parametrize("width", [0, 1.5, "2", True, None])
def test_types_and_bounds_are_the_signature_s(width: Any) -> None:
    with pytest.raises(ValidationError, match=r"brush\.width"):
        tool(kind="brush", width=width)
