"""A part of the bad inputs and kills; `make faults` tries all of them."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoencoders.pipeline import Item
from tests.faults import kills
from tests.faults.bad import CASES
from tests.faults.case import Case, complaints
from tests.faults.kills import Kill, Killing
from tests.faults.worlds import Worlds

PREPARE = Item("prepare", "mnist")
# Cases that run in this process and need no other training than the world `trained`.
QUICK = [case for case in CASES if not (case.shell or case.needs == "whole" or case.ends_like)]
SAMPLED = QUICK[::9]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    worlds = Worlds(tmp_path_factory.mktemp("faults"))
    yield worlds
    worlds.close()


@pytest.mark.parametrize("case", SAMPLED, ids=lambda case: case.id)
def test_a_bad_input_gives_one_line_and_loses_nothing(
    worlds: Worlds, tmp_path: Path, case: Case
) -> None:
    assert complaints(case, worlds.attempt(case, tmp_path / "world")) == []


@pytest.fixture(scope="module")
def killing(worlds: Worlds) -> Killing:
    shutil.copytree(worlds.prepared, worlds.folder / "killed", symlinks=True)
    return Killing(worlds.folder / "killed", worlds.environment)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_stage_that_runs_again_gives_the_same_bits(
    killing: Killing, number: signal.Signals
) -> None:
    kill = Kill(PREPARE, dvc=False, signal=number, moment=0.8, before=number == signal.SIGKILL)
    _, faults = killing.kill(kill)
    assert faults == []


def test_inputs_and_kills_are_different_from_each_other() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 320
    assert {case.kind for case in SAMPLED} == {case.kind for case in CASES}
    assert len(set(kills.random_kills())) == 100
    assert {kill.item.stage for kill in kills.random_kills()} == {
        item.stage for item in kills.STAGES
    }
