"""The choice of the device, and the CPU settings of a training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autoencoders.device import device
from autoencoders.errors import UserError

ROOT = Path(__file__).parents[1]

# Counts the products below float32's normal range that are not zero, over all threads.
DENORMALS = """
def count_denormals():
    products = torch.full((1_000_000,), 1e-20) * 1e-20
    return int((products.view(torch.int32) != 0).sum())
"""


def run(script: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import torch\n{DENORMALS}\n{script}"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "2"} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_environment_variable_selects_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    assert device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu"])
def test_unknown_device_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("AUTOENCODERS_DEVICE", name)
    with pytest.raises(UserError, match=f"AUTOENCODERS_DEVICE: found '{name}'") as caught:
        device()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_tune_cpu_flushes_denormals_to_zero() -> None:
    script = "from autoencoders.device import tune_cpu; tune_cpu(2); print(count_denormals())"
    assert run("print(count_denormals())") == "1000000"
    assert run(script) == "0"


@pytest.mark.slow
def test_tune_cpu_works_twice_and_without_glibc() -> None:
    tuning = "from autoencoders.device import tune_cpu; tune_cpu(2); tune_cpu(2)"
    tune_twice = f"{tuning}; print(count_denormals())"
    without = "import ctypes; ctypes.CDLL = lambda name: object()"
    assert run(tune_twice) == "0"
    assert run(f"{without}\n{tune_twice}") == "0"


@pytest.mark.slow
def test_all_threads_of_a_training_flush_denormals() -> None:
    # Threads inherit the setting at their start, so it must precede the first thread.
    script = """
from autoencoders import params
from autoencoders.training import train

class Assembling(Exception):
    pass

def assemble(*_):
    raise Assembling

train.assemble = assemble
images = torch.zeros(4, 1, 28, 28, dtype=torch.uint8)
try:
    train.train(images, images, params.load().variants["aae"], seed=0)  # on two threads
except Assembling:
    print(count_denormals())
"""
    assert run(script) == "0"
