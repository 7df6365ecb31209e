"""What pydantic found wrong, in people's words."""

import difflib
import inspect
from collections.abc import Collection
from datetime import date
from typing import Annotated, Any, get_args, get_origin

from pydantic_core import ErrorDetails

from autoencoders.components import Component, OneOf, Strict
from autoencoders.files import shortened

# What pydantic puts after a key: that is wrong itself, or may be a number, or a list.
KEY, NUMBER, LIST = "[key]", "constrained-", "list["
# What to give keys that files of earlier versions lack.
NEW = {"data.seed": ", with the number of seed: it alone decides the split now"}


def without_rejected_alternatives(mistakes: list[ErrorDetails]) -> list[ErrorDetails]:
    """Return the mistakes less those of what was not meant.

    Of what may be a number or a list, pydantic tells why it is neither.
    """
    lists = {_where(m["loc"]) for m in mistakes if m["type"] != "list_type" and _is_list(m["loc"])}
    return [m for m in mistakes if _is_list(m["loc"]) == (_where(m["loc"]) in lists)]


def _where(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the way to what may be a number or a list."""
    steps = [str(item).startswith((NUMBER, LIST)) for item in location]
    return location[: steps.index(True)] if True in steps else location


def _is_list(location: tuple[int | str, ...]) -> bool:
    return any(str(item).startswith(LIST) for item in location)


def describe(mistake: ErrorDetails, schema: type[Strict]) -> str:
    """Return one mistake as `dotted.key: what was found; what is allowed`."""
    found, context = mistake["input"], mistake.get("ctx", {})
    location, siblings = _locate(mistake["loc"], schema)
    key = ".".join(location) or "the file"
    match mistake["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key{suggestion(location[-1], siblings)}"
        case "missing":
            return f"{key}: missing; add it{NEW.get(key, '')}"
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            return f"{key}.kind: found {context['tag']!r}{suggestion(context['tag'], tags)}"
        case "union_tag_not_found":
            return f"{key}.kind: missing; add it"
        case "invalid_key":
            return f"{key}: found a key that is no text; write it in quotes"
    allowed = mistake["msg"].removeprefix("Input should be ").split(" or instance of ")[0]
    return (
        f"{key}: found {shortened(repr(found))}; allowed: {allowed}{_hint(mistake['type'], found)}"
    )


def _hint(mistake: str, found: Any) -> str:
    """Return how to write what was meant, where that is plain."""
    if mistake == "string_type" and isinstance(found, int | float | date):
        return "; write it in quotes"
    if mistake == "list_type" and isinstance(found, str | int):
        return f"; write [{shortened(str(found))}]"
    return ""


def _locate(location: tuple[int | str, ...], whole: type[Strict]) -> tuple[list[str], list[str]]:
    """Return a mistake's keys as the file has them, and all keys allowed beside the last one.

    Pydantic also counts the `kind` that it chose as a step of the way, and says of a key that it
    is one; the file does not.
    """
    schema: Any = whole
    keys: list[str] = []
    siblings: list[str] = []
    for item in location:
        if item in (kinds := _kinds(schema)):
            schema = kinds[str(item)]
            continue
        if str(item).startswith((KEY, NUMBER, LIST)):
            continue
        keys.append(str(item))
        if get_origin(schema) is Annotated:
            schema = get_args(schema)[0]
        if inspect.isclass(schema) and issubclass(schema, Strict):
            siblings = list(schema.model_fields)
            field = schema.model_fields.get(str(item))
            schema = field and Annotated[field.annotation, *field.metadata, None]
        else:
            schema = (get_args(schema) or [None])[-1]
    return keys, siblings


def _kinds(schema: Any) -> dict[str, type[Component]]:
    """Return the components that may stand here by their kind; none where no `kind` is asked."""
    marks = get_args(schema)[1:] if get_origin(schema) is Annotated else ()
    return next((mark.kinds for mark in marks if isinstance(mark, OneOf)), {})


def suggestion(found: str, allowed: Collection[str]) -> str:
    """Return what to say after an unknown name: the nearest known one, and all known ones."""
    close = difflib.get_close_matches(found, allowed, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"{meant}; allowed: {', '.join(allowed)}"
