"""A stopwatch for any training loop: it wraps the parts of the loop."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import ParamSpec, Self, TypeVar
from unittest.mock import patch

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from benchmarks import machine

PHASES = ("data", "forward", "backward", "optimizer", "other")

P = ParamSpec("P")
T = TypeVar("T")


class Stopwatch:
    """Splits wall time into phases; the time of an inner phase does not count for the outer one.

    `with watch: loop()` measures the loop. Backward passes and optimiser steps are measured
    automatically, other parts of the loop if functions that `timed` and `iterated` return replace
    them. Time in no phase counts as `other`.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._phases: list[str] = []
        self._last = 0.0
        self._hooks = ExitStack()

    def __enter__(self) -> Self:
        backward = self.timed("backward", torch.autograd.backward)
        self._hooks.enter_context(patch.object(torch.autograd, "backward", backward))
        begin = register_optimizer_step_pre_hook(lambda *_: self._enter("optimizer"))
        end = register_optimizer_step_post_hook(lambda *_: self._leave())
        self._hooks.callback(begin.remove)
        self._hooks.callback(end.remove)
        self._enter("other")
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        self._hooks.close()

    @property
    def total(self) -> float:
        """Return all seconds measured until now."""
        return sum(self.seconds.values())

    @property
    def shares(self) -> dict[str, float]:
        """Return each phase's share of the total."""
        return {phase: seconds / self.total for phase, seconds in self.seconds.items()}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the code inside as this phase."""
        self._enter(name)
        try:
            yield
        finally:
            self._leave()

    def timed(self, phase: str, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function with its calls counted as this phase."""

        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.phase(phase):
                return function(*args, **kwargs)

        return wrapped

    def iterated(self, phase: str, function: Callable[P, Iterable[T]]) -> Callable[P, Iterator[T]]:
        """Return the function with the time until each of its items counted as this phase."""

        def wrapped(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
            with self.phase(phase):
                items = iter(function(*args, **kwargs))
            while True:
                with self.phase(phase):
                    try:
                        item = next(items)
                    except StopIteration:
                        return
                yield item

        return wrapped

    def _enter(self, phase: str) -> None:
        self._lap()
        self._phases.append(phase)

    def _leave(self) -> None:
        self._lap()
        self._phases.pop()

    def _lap(self) -> None:
        """Add the time since the last lap to the innermost phase."""
        machine.synchronise(self.device)
        now = perf_counter()
        if self._phases:
            self.seconds[self._phases[-1]] += now - self._last
        self._last = now
