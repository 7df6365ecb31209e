"""The benchmark of memory: measuring a process, and its table."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from autoencoders import params, paths
from autoencoders.errors import UserError
from autoencoders.pipeline import STAGES
from benchmarks import memory
from benchmarks.memory import Cost
from tests.saved import PARAMS


@pytest.mark.parametrize("megabytes", [100, 300])
def test_the_cost_of_a_process_is_its_peak_memory(megabytes: int, tmp_path: Path) -> None:
    allocation = f"bytearray({megabytes} * 10**6); bytearray(50 * 10**6)"
    cost, nothing = (
        memory.cost((sys.executable, "-S", "-c", code), tmp_path, dict(os.environ))
        for code in (allocation, "pass")
    )
    # A new process may inherit memory of its parent, so it is compared with one that does nothing.
    assert megabytes <= cost.megabytes <= max(megabytes, nothing.megabytes) + 50
    assert 0 < cost.seconds < 60


def test_the_output_of_a_failed_command_is_shown(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fails in a copy:\nwhy"):
        memory.cost((sys.executable, "-c", "exit('why')"), tmp_path, dict(os.environ))


def test_images_and_params_are_written_for_the_measured_stages(tmp_path: Path) -> None:
    shutil.copy(PARAMS, tmp_path)
    memory.set_up(tmp_path, count=27, size=30)
    assert len(list((tmp_path / "pictures").glob("*/*.png"))) == 38  # 8 to test, 3 to validate
    loaded = params.load(tmp_path / paths.PARAMS)
    assert params.image_shapes(loaded)[memory.DATASET] == (3, 30, 30)
    assert {stage.name for stage in STAGES} > set(memory.STAGES)


def test_a_row_has_the_maximum_over_variants() -> None:
    costs = {stage: [Cost(1200.4, 2.0), Cost(800.0, 31.6)] for stage in memory.STAGES}
    assert memory.row(27, 64, costs).startswith("| 27 of 64×64 | 1,200 MB, 32 s | 1,200 MB")
