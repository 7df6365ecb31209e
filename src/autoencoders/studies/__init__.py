"""Studies of variants on Ray: several seeds, or many settings."""

from importlib.util import find_spec

from autoencoders.errors import UserError


def require_libraries() -> None:
    """Raise a `UserError` unless Ray and Optuna are installed, which are optional."""
    if missing := [name for name in ("ray", "optuna") if find_spec(name) is None]:
        raise UserError(
            f"studies need {' and '.join(missing)}: run `make scale` or `pip install -e '.[scale]'`"
        )
