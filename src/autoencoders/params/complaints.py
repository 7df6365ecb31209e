"""What pydantic found wrong, in people's words."""

import difflib
import inspect
from collections.abc import Collection
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from autoencoders.components import Component, Strict


def describe(mistake: ErrorDetails, schema: type[Strict]) -> str:
    """Return one mistake as `dotted.key: what was found; what is allowed`."""
    found, context = mistake["input"], mistake.get("ctx", {})
    location, siblings = _locate(mistake["loc"], schema)
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


def _locate(location: tuple[int | str, ...], whole: type[Strict]) -> tuple[list[str], list[str]]:
    """Return a mistake's keys as the file has them, and all keys allowed beside the last one.

    Pydantic also counts the `kind` that it chose as a step of the way; the file does not.
    """
    schema: Any = whole
    keys: list[str] = []
    siblings: list[str] = []
    chosen = False  # `schema` by its kind, in the step before
    for item in location:
        if get_origin(schema) is Annotated:
            schema = get_args(schema)[0]
        kinds = {} if chosen else _kinds(schema)
        chosen = item in kinds
        if chosen:
            schema = kinds[item]
            continue
        keys.append(str(item))
        if inspect.isclass(schema) and issubclass(schema, Strict):
            siblings = list(schema.model_fields)
            field = schema.model_fields.get(str(item))
            schema = field.annotation if field else None
        else:
            schema = (get_args(schema) or [None])[-1]
    return keys, siblings


def _kinds(schema: Any) -> dict[int | str, type[Component]]:
    """Return the components that may stand here by their kind, of which there may be one alone."""
    choices = get_args(schema) if get_origin(schema) is Union else (schema,)
    components = [c for c in choices if inspect.isclass(c) and issubclass(c, Component)]
    return {get_args(c.model_fields["kind"].annotation)[0]: c for c in components}


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
