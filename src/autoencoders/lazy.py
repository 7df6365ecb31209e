"""torch, imported when it is first used: that takes seconds, and many runs need none of it.

`autoencoders check`, `fetch` and `prepare` read the signatures of what uses torch and call nothing
of it. Such modules write `from autoencoders.lazy import F, Tensor, torch` and go on as with torch
itself. Only what derives from a class of torch has to import it at the top: networks, optimisers.
"""

import importlib
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


class LazyModule:
    """A module that is imported when something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn
else:
    torch = LazyModule("torch")
    F = LazyModule("torch.nn.functional")
    nn = LazyModule("torch.nn")
    Tensor = Any  # in annotations alone


def without_gradients(function: Callable[P, Result]) -> Callable[P, Result]:
    """Call `function` under `torch.no_grad()`, without importing torch to define it."""

    @wraps(function)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> Result:
        with torch.no_grad():
            return function(*args, **kwargs)

    return quiet


__all__ = ["F", "LazyModule", "Tensor", "nn", "torch", "without_gradients"]
