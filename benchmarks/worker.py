"""Measuring functions, each run in a process of its own, so that none warms or crowds the next."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch

from autoencoders.device import tune_cpu
from autoencoders.errors import UserError


def fresh(function: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Return what the function returns in a fresh process; all that passes must be JSON.

    Raises:
        UserError: the process failed; it has said why on standard error.
    """
    # What `python -m` calls `__main__` still has its own name there.
    spec = sys.modules[function.__module__].__spec__
    assert spec is not None
    name = [spec.name, function.__name__]
    command = [sys.executable, "-m", "benchmarks.worker", *name, json.dumps(arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise UserError(f"{'.'.join(name)} failed on {arguments}; its own message is above")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main(module: str, function: str, arguments: str) -> None:
    """Run one function, on a CPU tuned as for a stage, and print what it returns as one line."""
    tune_cpu(torch.get_num_threads())
    print(json.dumps(getattr(importlib.import_module(module), function)(**json.loads(arguments))))


if __name__ == "__main__":
    main(*sys.argv[1:])
