"""A part of the bad inputs and of the kills; `make faults` tries all of them."""

import shutil
import signal
from pathlib import Path

import pytest

from autoencoders.pipeline import Item
from tests.faults import kills
from tests.faults.bad import CASES
from tests.faults.case import Case, complaints
from tests.faults.kills import Kill, Killing
from tests.faults.worlds import Worlds

PREPARE = Item("prepare", "mnist")
SAMPLE = {
    "params": (
        "a tab for an indentation",
        "a tag that would run code",
        "a merge conflict",
        "variants.vae.model.hiden: [8]",
        "datasets_to_run: ['minst']",
        "two mistakes at once",
    ),
    "files": (
        "data/raw/mnist missing",
        "data/raw/mnist/source.json halved",
        "data/prepared/mnist/metadata.json scrambled",
        "data/prepared/mnist/train_images.npy one bit flipped",
        "mlflow.db scrambled",
    ),
    "folders": (
        "a file",
        "a NUL byte in the name",
        "pictures beside class folders",
        "train/, test/ and val/",
        "two pictures of another size",
    ),
    "images": (
        "half a JPEG, in a folder",
        "an empty file, in a folder",
        "two gigapixels, in a folder",
    ),
    "environment": (
        "a mirror: no such folder",
        "a mirror: nobody listens",
        "a mirror: a web page for every file",
        "a mirror: breaks off",
        "a device: 'cuda:99'",
    ),
    "arguments": (
        "autoencoders train minst vae",
        "a variant for the dataset, and the other way round",
        "an empty name",
        "a name of two lines",
        "autoencoders train fashion_mnist vae",
    ),
    "commands": (
        "autoencoders apply mnist/classifier a.png --to out",
        "apply: an animated GIF",
        "apply: a full disk, colours of 16 bits",
        "apply: colours of 16 bits",
        "apply: names with spaces, quotes, other letters",
    ),
}
SAMPLED = [case for case in CASES if case.name in SAMPLE[case.kind]]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return Worlds(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("case", SAMPLED, ids=lambda case: case.id)
def test_a_bad_input_is_one_clear_line_and_nothing_is_lost(
    worlds: Worlds, tmp_path: Path, case: Case
) -> None:
    assert complaints(case, worlds.attempt(case, tmp_path / "world")) == []


@pytest.fixture(scope="module")
def killing(worlds: Worlds) -> Killing:
    shutil.copytree(worlds.prepared, worlds.folder / "killed", symlinks=True)
    return Killing(worlds.folder / "killed", worlds.environment)


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, 0.4), (signal.SIGTERM, 0.6), (signal.SIGHUP, 0.8), (signal.SIGKILL, 0.9)],
)
def test_a_stage_that_is_killed_and_run_again_ends_with_the_same_bits(
    killing: Killing, number: signal.Signals, moment: float
) -> None:
    kill = Kill(PREPARE, dvc=False, signal=number, moment=moment, before=moment > 0.7)
    _, wrong = killing.kill(kill)
    assert wrong == []


def test_there_are_238_inputs_and_a_hundred_kills_all_different() -> None:
    assert len({case.id for case in CASES}) == len(CASES) == 238
    assert len(SAMPLED) == sum(len(names) for names in SAMPLE.values())
    assert len(set(kills.drawn())) == 100
    assert {kill.item.stage for kill in kills.drawn()} == {item.stage for item in kills.STAGES}
