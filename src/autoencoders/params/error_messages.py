"""Error messages for params.yaml, made from pydantic's errors."""

import inspect
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, get_args, get_origin

from pydantic_core import ErrorDetails

from autoencoders.components import Alternatives, Strict
from autoencoders.errors import suggestion
from autoencoders.files import shortened

# Marks in pydantic's locations, which are not keys: of a wrong key, and of alternative types.
KEY, NUMBER, LIST = "[key]", "constrained-", "list["
# Advice on keys that files of earlier versions lack.
ADVICE = {"data.seed": " with the value of seed, which decided the split in earlier versions"}
# Plain words for what is allowed, by pydantic's type of error.
ALLOWED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_pattern_mismatch": "text of a-z, 0-9 and _",
    "list_type": "a list",
    **dict.fromkeys(["dict_type", "model_type", "model_attributes_type"], "keys with values"),
}


def relevant_mistakes(mistakes: list[ErrorDetails]) -> list[ErrorDetails]:
    """Return only the mistakes that concern the type of value that the user wrote.

    For a value that may be a number or a list, pydantic reports why it is not a number and why it
    is not a list.
    """
    lists = {_parent(m["loc"]) for m in mistakes if m["type"] != "list_type" and _is_list(m["loc"])}
    return [m for m in mistakes if _is_list(m["loc"]) == (_parent(m["loc"]) in lists)]


def _parent(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the location of the value that may be a number or a list."""
    alternatives = [str(item).startswith((NUMBER, LIST)) for item in location]
    return location[: alternatives.index(True)] if True in alternatives else location


def _is_list(location: tuple[int | str, ...]) -> bool:
    return any(str(item).startswith(LIST) for item in location)


def describe(mistake: ErrorDetails, schema: type[Strict]) -> str:
    """Return one mistake as `dotted.key: found value; allowed: values`."""
    value, context = mistake["input"], mistake.get("ctx", {})
    location, siblings = _locate(mistake["loc"], schema)
    key = ".".join(location) or "the file"
    match mistake["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key{suggestion(location[-1], siblings)}"
        case "missing":
            return f"{key}: missing; add it{ADVICE.get(key, '')}"
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            return f"{key}.kind: found {context['tag']!r}{suggestion(context['tag'], tags)}"
        case "union_tag_not_found":
            return f"{key}.kind: missing; add it"
        case "invalid_key":
            return f"{key}: found a key that is not text; write it in quotes"
    found = "null" if value is None else shortened(repr(value))
    message = re.sub("^[A-Z][a-z]+ should (be|have) | after validation.*", "", mistake["msg"])
    if message.startswith(("greater", "less")):
        message = f"a number {message}"
    allowed = ALLOWED.get(mistake["type"], message)
    hint = _hint(mistake["type"], value)
    return f"{key}: found {found}; allowed: {allowed}{hint}"


def _hint(mistake: str, value: Any) -> str:
    """Return how to write the value correctly, if the intention is clear."""
    if mistake == "string_type" and isinstance(value, int | float | date):
        return "; write it in quotes"
    if mistake == "list_type" and isinstance(value, str | int):
        return f"; write [{shortened(str(value))}]"
    return ""


def _locate(location: tuple[int | str, ...], root: type[Strict]) -> tuple[list[str], list[str]]:
    """Return the keys that lead to a mistake in the file, and all keys allowed at its level.

    Pydantic's location also contains each chosen `kind` and a mark for wrong keys, which are not
    keys of the file.
    """
    schema: Any = root
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


def _kinds(schema: Any) -> Mapping[str, type[Strict]]:
    """Return the alternatives of a type by their `kind` or tag; empty if there are none."""
    marks = get_args(schema)[1:] if get_origin(schema) is Annotated else ()
    return next((mark.kinds for mark in marks if isinstance(mark, Alternatives)), {})
