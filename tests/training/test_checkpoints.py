from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autoencoders.training import checkpoints

ROOT = Path(__file__).parents[2]

CPU = torch.device("cpu")
FOLDER = Path("checkpoints")
DECISIVE = {"seed": 1, "variant": {"lr": 1e-3, "epochs": 3}}, ["d1", "c1"], ["2.14.1"], "cpu", 1


def test_a_state_comes_back_as_it_went(tmp_path: Path) -> None:
    state: dict[str, Any] = {
        "weights": {"w": torch.rand(3, 4)},
        "history": [{"epoch": 1, "loss": 0.1}],
    }
    checkpoints.save(tmp_path / "state.pt", state)
    loaded = checkpoints.load(tmp_path / "state.pt", CPU)
    assert loaded
    assert torch.equal(loaded["weights"]["w"], state["weights"]["w"])
    assert loaded["history"] == state["history"]


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert checkpoints.load(tmp_path / "state.pt", CPU) is None


def flipped(content: bytes) -> bytes:
    """Return the content with one bit of its middle turned over."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        *(lambda content: content[: len(content) // 2], lambda _: b"", lambda _: b"\x80\x04."),
        *(flipped, lambda _: None),
    ],
    ids=["half", "nothing", "other bytes", "one bit", "a folder"],
)
def test_a_damaged_state_is_deleted_with_a_warning(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[bytes], bytes | None],
) -> None:
    target = tmp_path / "mnist-vae-0.pt"
    checkpoints.save(target, {"weights": torch.rand(100)})
    content = damage(target.read_bytes())
    target.unlink()
    if content is None:
        target.mkdir()
    else:
        target.write_bytes(content)
    assert checkpoints.load(target, CPU) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: the checkpoint {target} is unreadable (")
    assert line.endswith("): it is deleted, and training restarts from epoch 1")
    assert list(tmp_path.iterdir()) == []


def test_the_same_training_has_one_path() -> None:
    reordered = {"variant": {"epochs": 3, "lr": 1e-3}, "seed": 1}
    path = checkpoints.path(FOLDER, "mnist/vae", *DECISIVE)
    assert path == checkpoints.path(FOLDER, "mnist/vae", reordered, *DECISIVE[1:])
    assert path.parent == FOLDER
    assert path.name.startswith("mnist-vae-")


@pytest.mark.parametrize("place", range(len(DECISIVE)))
def test_another_training_s_checkpoint_is_never_picked_up(place: int) -> None:
    others = [*DECISIVE[:place], "another", *DECISIVE[place + 1 :]]
    assert checkpoints.path(FOLDER, "x", *others) != checkpoints.path(FOLDER, "x", *DECISIVE)
