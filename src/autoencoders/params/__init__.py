"""Reads params.yaml into typed, validated objects."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autoencoders import paths, yaml12
from autoencoders.errors import UserError
from autoencoders.params.contradictions import contradictions, why_impossible
from autoencoders.params.error_messages import describe, relevant_mistakes
from autoencoders.params.schema import Params, image_shapes

__all__ = ["Params", "image_shapes", "load", "parse", "why_impossible"]


def load(path: Path = paths.PARAMS) -> Params:
    """Return the validated params.

    Raises:
        UserError: the file is missing, empty or not YAML, in one line; or its values are wrong, in
            one line for each mistake: its key, the value found and what is allowed.
    """
    try:
        content = yaml12.read(path)
    except FileNotFoundError:
        raise UserError(
            f"{path.absolute()} is missing: run `git checkout {path.name}` to restore it"
        ) from None
    if content is None:
        raise UserError(f"{path} is empty: run `git checkout {path.name}` to restore it")
    return parse(content, str(path))


def parse(content: Any, origin: str) -> Params:
    """Return validated params from a YAML file's content; `origin` is its name in errors."""
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        mistakes = [describe(mistake, Params) for mistake in relevant_mistakes(error.errors())]
        raise UserError("\n".join(f"{origin}: {mistake}" for mistake in mistakes)) from None
    if mistakes := contradictions(params):
        raise UserError("\n".join(f"{origin}: {mistake}" for mistake in mistakes))
    return params
