"""Checkpoints: saving, loading, damaged files and paths."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autoencoders.training import checkpoints

ROOT = Path(__file__).parents[2]

CPU = torch.device("cpu")
FOLDER = Path("checkpoints")
DEPENDENCIES = {"seed": 1, "variant": {"lr": 1e-3, "epochs": 3}}, ["d1", "c1"], ["2.14.1"], "cpu", 1


def test_saved_state_is_loaded_unchanged(tmp_path: Path) -> None:
    state: dict[str, Any] = {
        "weights": {"w": torch.rand(3, 4)},
        "history": [{"epoch": 1, "loss": 0.1}],
    }
    checkpoints.save(tmp_path / "state.pt", state)
    loaded = checkpoints.load(tmp_path / "state.pt", CPU)
    assert loaded
    assert torch.equal(loaded["weights"]["w"], state["weights"]["w"])
    assert loaded["history"] == state["history"]


def test_missing_checkpoint_is_none(tmp_path: Path) -> None:
    assert checkpoints.load(tmp_path / "state.pt", CPU) is None


def flipped(content: bytes) -> bytes:
    """Return the content with one changed bit in the middle."""
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


def test_same_dependencies_give_the_same_path() -> None:
    reordered = {"variant": {"epochs": 3, "lr": 1e-3}, "seed": 1}
    path = checkpoints.path(FOLDER, "mnist/vae", *DEPENDENCIES)
    assert path == checkpoints.path(FOLDER, "mnist/vae", reordered, *DEPENDENCIES[1:])
    assert path.parent == FOLDER
    assert path.name.startswith("mnist-vae-")


@pytest.mark.parametrize("place", range(len(DEPENDENCIES)))
def test_each_dependency_changes_the_path(place: int) -> None:
    changed = [*DEPENDENCIES[:place], "another", *DEPENDENCIES[place + 1 :]]
    assert checkpoints.path(FOLDER, "x", *changed) != checkpoints.path(FOLDER, "x", *DEPENDENCIES)
