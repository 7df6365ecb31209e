"""params.yaml as typed, validated objects: the only reader of that file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autoencoders import paths, yaml12
from autoencoders.errors import UserError
from autoencoders.params.contradictions import contradictions, why_impossible
from autoencoders.params.error_messages import describe, suggestion, without_rejected_alternatives
from autoencoders.params.schema import Params, image_shapes

__all__ = ["Params", "image_shapes", "load", "parse", "suggestion", "why_impossible"]


def load(path: Path = paths.PARAMS) -> Params:
    """Return the validated params.

    Raises:
        UserError: a line for each mistake, with its key, what was found and what is allowed; or
            one line where there is no file, or none that is YAML.
    """
    try:
        content = yaml12.read(path)
    except FileNotFoundError:
        raise UserError(
            f"{path.absolute()} is missing: `git checkout {path.name}` restores it"
        ) from None
    if content is None:
        raise UserError(f"{path} is empty: `git checkout {path.name}` restores it")
    return parse(content, str(path))


def parse(content: Any, origin: str) -> Params:
    """Return validated params from the plain content of a YAML file; `origin` names it."""
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        mistakes = [
            describe(mistake, Params) for mistake in without_rejected_alternatives(error.errors())
        ]
        raise UserError("\n".join(f"{origin}: {mistake}" for mistake in mistakes)) from None
    if mistakes := contradictions(params):
        raise UserError("\n".join(f"{origin}: {mistake}" for mistake in mistakes))
    return params
