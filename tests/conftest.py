"""Fixtures for all tests: a process whose state is restored, small images, and noise."""

import gc
import logging
import os
import random
import signal
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from typing import Any
from unittest.mock import patch

import matplotlib
import numpy as np
import pytest
import torch
from torch import Tensor

from autoencoders.randomness import Noise

# Tests with these fixtures run the pipeline or train, so they are marked as slow.
SLOW = {"built", "copy_repository", "ended", "run", "worlds"}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

# For networks of a few weights, several threads are slower than one.
torch.set_num_threads(1)

# No test connects to another machine.
for variable in [name for name in os.environ if name.casefold().endswith("_proxy")]:
    del os.environ[variable]


def pytest_configure(config: pytest.Config) -> None:
    config.option.randomly_reset_seed = False  # `restore_state` seeds instead, equally in each run


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their fixtures and folders; modules with slow tests start first."""
    slow = [item for item in items if SLOW.intersection(getattr(item, "fixturenames", ()))]
    for item in slow:
        item.add_marker("slow")
    for item in items:
        if "tensorflow" in item.nodeid.partition("::")[0]:
            item.add_marker("service")
    first = {item.path for item in slow}
    items.sort(key=lambda item: item.path not in first)


@pytest.fixture(autouse=True)
def restore_state() -> Iterator[None]:
    """Restore the process state that a test changes; pytest restores warnings."""
    with _restored_state():
        yield


@pytest.fixture(autouse=True, scope="module")
def restore_module_state() -> Iterator[None]:
    """Restore the state that fixtures of a module change; a change in our modules is a failure."""
    before = _globals()
    with _restored_state():
        yield
    after = _globals()
    changed = [
        name
        for name, value in before.items()
        if not (after.get(name) is value or after.get(name) == value)
    ]
    assert changed == []
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == [], "a pyplot figure is open"


@contextmanager
def _restored_state() -> Iterator[None]:
    levels = _levels()
    with (
        patch.dict(os.environ),
        chdir("."),
        patch.object(sys, "path", sys.path.copy()),
        patch.object(urllib.request, "_opener", None),  # it caches the first proxies
        ExitStack() as undo,
    ):
        for number in SIGNALS:
            undo.callback(signal.signal, number, signal.getsignal(number))
        undo.callback(dict.update, matplotlib.rcParams, matplotlib.rcParams.copy())
        undo.callback(gc.set_threshold, *gc.get_threshold())
        undo.callback(logging.disable, logging.root.manager.disable)
        undo.callback(torch.set_num_threads, torch.get_num_threads())
        flushes = torch.full((1,), 1e-20).square().item() == 0
        undo.callback(torch.set_flush_denormal, flushes)
        undo.callback(torch.set_grad_enabled, torch.is_grad_enabled())
        undo.callback(torch.set_default_dtype, torch.get_default_dtype())
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        torch.manual_seed(0)
        yield
    for logger, (level, disabled) in levels.items():
        logger.disabled = disabled
        if logger.level != level:
            logger.setLevel(level)


def _levels() -> dict[logging.Logger, tuple[int, bool]]:
    names = {"dvc", *logging.root.manager.loggerDict}
    loggers = [logging.root, *map(logging.getLogger, names)]
    return {logger: (logger.level, logger.disabled) for logger in loggers}


def _globals() -> dict[str, Any]:
    """Return the constants, registries, classes and functions of our modules, by dotted name."""
    ours = ("autoencoders", "benchmarks")
    modules = [module for name, module in sys.modules.items() if name.startswith(ours)]
    return {
        f"{module.__name__}.{name}": value.copy() if isinstance(value, (dict, list)) else value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("__")
    }


@pytest.fixture
def noise() -> Noise:
    return Noise(torch.Generator().manual_seed(0))


@pytest.fixture(scope="session")
def blobs() -> Callable[..., Tensor]:
    """`blobs(n, shape)`: n different images of one soft blob each, uint8 `(n, C, H, W)`."""

    def draw(n: int, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> Tensor:
        channels, height, width = shape
        random = torch.Generator().manual_seed(seed)
        x, y, radius = torch.rand(3, n, channels, 1, 1, generator=random).unbind()
        rows = torch.linspace(0, 1, height).view(height, 1)
        columns = torch.linspace(0, 1, width)
        squared = (rows - y) ** 2 + (columns - x) ** 2
        return (255 * torch.exp(-squared / (0.15 + 0.2 * radius) ** 2)).round().to(torch.uint8)

    return draw


@pytest.fixture
def pictures(blobs: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`pictures(n, shape)`: the same blobs as network inputs `(n, C, H, W)`, float32 in [0, 1]."""
    return lambda *arguments: blobs(*arguments).float() / 255
