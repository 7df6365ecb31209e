"""The device that computes, and the state that a training puts its process in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autoencoders.device import device
from autoencoders.errors import UserError

ROOT = Path(__file__).parents[1]

# How many products of two normal numbers are kept below float32's normal range, in all threads.
KEPT = """
def kept():
    products = torch.full((1_000_000,), 1e-20) * 1e-20
    return int((products.view(torch.int32) != 0).sum())
"""


def run(script: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import torch\n{KEPT}\n{script}"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "2"} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_environment_names_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    assert device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu"])
def test_a_device_that_the_machine_lacks_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AUTOENCODERS_DEVICE", name)
    with pytest.raises(UserError, match=f"AUTOENCODERS_DEVICE: found '{name}'") as caught:
        device()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_tuned_process_counts_what_is_below_the_normal_range_as_zero() -> None:
    script = "from autoencoders.device import tune_cpu; tune_cpu(2); print(kept())"
    assert run("print(kept())") == "1000000"
    assert run(script) == "0"


@pytest.mark.slow
def test_a_process_may_be_tuned_twice_and_without_glibc() -> None:
    tune_twice = "from autoencoders.device import tune_cpu; tune_cpu(2); tune_cpu(2); print(kept())"
    without = "import ctypes; ctypes.CDLL = lambda name: object()"
    assert run(tune_twice) == "0"
    assert run(f"{without}\n{tune_twice}") == "0"


@pytest.mark.slow
def test_all_threads_of_a_training_are_tuned() -> None:
    # Threads take over the setting when they start, so it must come before the first of them.
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
    print(kept())
"""
    assert run(script) == "0"
