"""The benchmark of the server under load: which answers are right, and its table."""

from itertools import count
from threading import Semaphore

import psutil
import pytest

from autoencoders.application.network import Network
from autoencoders.application.tiling import Geometry
from autoencoders.errors import UserError
from autoencoders.images.picture import Floats
from benchmarks import load
from benchmarks.load import Result
from tests.serving.server import serving, stepping


@pytest.fixture(autouse=True)
def small_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CLIENTS", dict.fromkeys(load.CLIENTS, 2))
    monkeypatch.setattr(load, "PAUSE", 0.01)
    monkeypatch.setattr(load, "RECOVERY", 0)


@pytest.mark.slow
def test_every_answer_of_the_server_is_right() -> None:
    with serving(stepping(Semaphore(999)), "nothing") as address:
        port = int(address.rpartition(":")[2])
        results, memory = load.measure(port, psutil.Process(), requests=4)
    assert {kind: len(found) for kind, found in results.items()} == dict.fromkeys(load.CLIENTS, 8)
    assert all(result.right for found in results.values() for result in found)
    assert 0 < memory[0] <= memory[1]


def test_an_answer_that_differs_under_load_is_wrong() -> None:
    calls = count()

    def run(tile: Floats, exact: bool) -> Floats:
        return tile * (next(calls) < 1)

    network = Network("n", "a/n", (1, 6, 8), (1, 6, 8), run, Geometry(1, 0))
    with serving(network, "nothing") as address:
        results, _ = load.measure(int(address.rpartition(":")[2]), psutil.Process(), requests=1)
    assert [result.right for result in results["images"]] == [False, False]
    assert [result.right for result in results["garbage"]] == [True, True]


def test_a_server_that_processes_no_image_is_an_error() -> None:
    network = Network("n", "a/n", (1, 6, 8), (1, 6, 8), lambda tile, exact: tile)
    with serving(network, "nothing") as address, pytest.raises(UserError, match="422"):
        load.measure(int(address.rpartition(":")[2]), psutil.Process(), requests=1)


def test_the_table_has_the_number_of_right_answers_and_the_times() -> None:
    results = {"images": [Result(True, 1.0), Result(False, 3.0)]}
    assert load.table(results).splitlines()[2] == "| 2: images | 2 | 1 | 2.00 s | 2.90 s | 3.00 s |"
