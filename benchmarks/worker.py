"""Run each measuring function in a new process, so that functions do not influence each other."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch

from autoencoders.device import tune_cpu
from autoencoders.errors import UserError


def run_fresh(function: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Run a function in a new process and return its result; arguments and result are JSON.

    Raises:
        UserError: the process failed; its message is on standard error.
    """
    # A module that `python -m` runs as `__main__` keeps its name in its spec.
    spec = sys.modules[function.__module__].__spec__
    assert spec is not None
    name = [spec.name, function.__name__]
    command = [sys.executable, "-m", "benchmarks.worker", *name, json.dumps(arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise UserError(f"{'.'.join(name)} failed with {arguments}; its message is above")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main(module: str, function: str, arguments: str) -> None:
    """Run one function with the CPU settings of a stage, and print its result as one line."""
    tune_cpu(torch.get_num_threads())
    print(json.dumps(getattr(importlib.import_module(module), function)(**json.loads(arguments))))


if __name__ == "__main__":
    main(*sys.argv[1:])
