"""Data-parallel training: torchrun starts real processes, which use gloo over loopback."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from autoencoders.errors import UserError
from autoencoders.training import loop, parallel
from autoencoders.training.parallel import Processes
from autoencoders.variants.objectives.reconstruction import Reconstruction
from tests.training.helpers import CPU, Blobs, ProgressLog, plain, settings, variant

SCRIPT = Path(__file__).with_name("together.py")
CASES = ("reconstruction", "variational", "adversarial")
ATOL = 1e-5  # the measured difference is 1.3e-7; a step of Adam is 2e-3


def test_the_parts_of_a_batch_are_equal_and_in_order() -> None:
    batch = torch.arange(6)
    assert [Processes(rank, 3).part(batch).tolist() for rank in range(3)] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]
    assert Processes().part(batch).tolist() == [0, 1, 2, 3, 4, 5]


def test_first_process_is_the_main_process() -> None:
    assert [Processes(rank, 3).is_main for rank in range(3)] == [True, False, False]
    assert Processes().is_main


def test_processes_come_from_the_variables_of_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert parallel.from_environment() == Processes(0, 1)
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    assert parallel.from_environment() == Processes(2, 4)


@pytest.mark.parametrize(("rank", "count"), [("0", "2"), ("0", "two"), ("first", "1")])
def test_invalid_variables_of_torchrun_are_refused(
    monkeypatch: pytest.MonkeyPatch, rank: str, count: str
) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", count)
    with pytest.raises(UserError, match="torchrun"):
        parallel.from_environment()


@pytest.mark.parametrize(("images", "batch"), [(20, 8), (4, 4)], ids=["batch size", "few images"])
def test_batch_without_equal_parts_is_refused(blobs: Blobs, images: int, batch: int) -> None:
    log = ProgressLog()
    subject = variant(plain(), Reconstruction("bce"))
    learner = loop.TorchLearner(subject, settings(), 0, "blobs", CPU, Processes(0, 3))
    with pytest.raises(
        UserError, match=f"found 3 processes, .* a batch of {batch} images"
    ) as caught:
        loop.fit(learner, blobs(images), blobs(4), log)
    assert "training.batch_size" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (log.steps, log.rows) == (0, [])


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, blobs: Blobs) -> Path:
    """Return the folder with the results of two processes, and of a training in this process."""
    folder = tmp_path_factory.mktemp("together")
    torch.save(blobs(100), folder / "images.pt")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    subprocess.run(
        [*torchrun, "--nproc-per-node", "2", str(SCRIPT)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        check=True,
        timeout=300,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("WORLD_SIZE", raising=False)
        runpy.run_path(str(SCRIPT), run_name="__main__")
    return folder


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path)
    return content


@pytest.mark.parametrize("case", CASES)
def test_two_processes_end_with_the_same_bits(ended: Path, case: str) -> None:
    first, second = (load(ended / f"{case}-{rank}-of-2.pt") for rank in (0, 1))
    assert first["history"] == second["history"]
    assert all(torch.equal(second["weights"][k], v) for k, v in first["weights"].items())


@pytest.mark.parametrize("case", CASES)
def test_two_processes_match_one_process_up_to_rounding(ended: Path, case: str) -> None:
    # The rounding of the gradient of a batch differs from that of the mean over two halves.
    parallel_run, single_run = (load(ended / f"{case}-0-of-{count}.pt") for count in (2, 1))
    torch.testing.assert_close(parallel_run["weights"], single_run["weights"], rtol=0, atol=ATOL)
    assert len(parallel_run["history"]) == len(single_run["history"]) == 3
    for row, expected in zip(parallel_run["history"], single_run["history"], strict=True):
        assert row == pytest.approx(expected, rel=1e-5)
