"""What every test needs: a process as it was found, small pictures, and noise."""

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

# Fixtures that run the pipeline, or processes that train: their tests are slow.
SLOW = {"built", "copy_repository", "ended", "run", "worlds"}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

# Networks of a few weights lose more to threads waiting for each other than they gain.
torch.set_num_threads(1)

# No test leaves this machine.
for variable in [name for name in os.environ if name.casefold().endswith("_proxy")]:
    del os.environ[variable]


def pytest_configure(config: pytest.Config) -> None:
    config.option.randomly_reset_seed = False  # `as_found` seeds, the same in each run


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they use; the modules of slow ones start first."""
    slow = [item for item in items if SLOW.intersection(getattr(item, "fixturenames", ()))]
    for item in slow:
        item.add_marker("slow")
    for item in items:
        if "tensorflow" in item.nodeid.partition("::")[0]:
            item.add_marker("service")
    first = {item.path for item in slow}
    items.sort(key=lambda item: item.path not in first)


@pytest.fixture(autouse=True)
def as_found() -> Iterator[None]:
    """Put back what a test changes in its process; pytest itself does so for warnings."""
    with _put_back():
        yield


@pytest.fixture(autouse=True, scope="module")
def module_as_found() -> Iterator[None]:
    """Put back what the fixtures of a module change; what stays replaced in our code is a fault."""
    before = _globals()
    with _put_back():
        yield
    after = _globals()
    same = (after.get(name) is value or after.get(name) == value for name, value in before.items())
    assert [name for name, equal in zip(before, same, strict=True) if not equal] == []
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == [], "a figure of pyplot is not closed"


@contextmanager
def _put_back() -> Iterator[None]:
    levels = _levels()
    with (
        patch.dict(os.environ),
        chdir("."),
        patch.object(sys, "path", sys.path.copy()),
        patch.object(urllib.request, "_opener", None),  # it keeps the proxies that it begins with
        ExitStack() as after,
    ):
        for number in SIGNALS:
            after.callback(signal.signal, number, signal.getsignal(number))
        after.callback(dict.update, matplotlib.rcParams, matplotlib.rcParams.copy())
        after.callback(gc.set_threshold, *gc.get_threshold())
        after.callback(logging.disable, logging.root.manager.disable)
        after.callback(torch.set_num_threads, torch.get_num_threads())
        flushed = torch.full((1,), 1e-20).square().item() == 0
        after.callback(torch.set_flush_denormal, flushed)
        after.callback(torch.set_grad_enabled, torch.is_grad_enabled())
        after.callback(torch.set_default_dtype, torch.get_default_dtype())
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
    """`blobs(n, shape)`: n images of one soft blob each, uint8 `(n, C, H, W)`, never two alike."""

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
    """`pictures(n, shape)`: the same blobs as the networks get them, float32 in [0, 1]."""
    return lambda *arguments: blobs(*arguments).float() / 255
