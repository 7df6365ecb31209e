"""Finds the weights from which a training starts: `training.initial_weights` in params.yaml."""

import hashlib
import re
from pathlib import Path

from autoencoders import files, paths, ready
from autoencoders.errors import UserError, nearest

REGISTERED = "models:/"
VERSION = re.compile(rf"{REGISTERED}[^/@]+(@[^/@]+|/\d+)")
MISSING = "missing"


def read(name: str) -> bytes:
    """Return the content of a file of weights, in the format safetensors.

    `name` is that of a ready network, a registered model, `models:/NAME@champion` or
    `models:/NAME/VERSION`, or the path of the file or of its folder, relative to the repository.

    Raises:
        UserError: there are no such weights.
    """
    if name.startswith(REGISTERED):
        if not VERSION.fullmatch(name):
            raise UserError(
                f"training.initial_weights: found {name!r}; allowed: models:/NAME@ALIAS or "
                "models:/NAME/VERSION"
            )
        from autoencoders.tracking import registered  # slow to import

        return registered.weights(name)
    try:
        with files.readable(_file(name)) as path:
            return path.read_bytes()
    except files.MissingFileError as error:
        raise UserError(
            f"training.initial_weights: found {name!r}, but {error.path} does not exist"
            f"{nearest(name, ready.names())}; allowed: a name that `autoencoders models` lists, "
            "models:/NAME@champion, or a file of weights (safetensors) or its folder"
        ) from None


def sha256(name: str) -> str:
    """Return the SHA-256 of weights; `missing` if they cannot be read, which `read` explains."""
    try:
        return hashlib.sha256(read(name)).hexdigest()
    except UserError:
        return MISSING


def watched(name: str) -> Path | None:
    """Return the file that changes when other weights get this name; None if there is none.

    For a registered model it is MLflow's database, which changes at other times too.
    """
    if name.startswith(REGISTERED):
        from autoencoders.tracking import store  # slow to import

        return store.database()
    path = _file(name)
    return path if path.exists() else None


def _file(name: str) -> Path:
    if ready.is_ready(name):
        return ready.weights_path(name)
    path = paths.resolve_user_path(name)
    return path / paths.WEIGHTS if path.is_dir() else path
