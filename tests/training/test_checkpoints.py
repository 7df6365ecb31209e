import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import autoencoders
from autoencoders import paths
from autoencoders.training import checkpoints

CPU = torch.device("cpu")
CONFIGURATION = {"seed": 1, "variant": {"lr": 1e-3, "epochs": 3}}


def path(
    configuration: Any = CONFIGURATION,
    data: str = "d1",
    device: torch.device = CPU,
    processes: int = 1,
) -> Path:
    return checkpoints.path("mnist-vae", configuration, data, device, processes)


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


def test_a_failed_write_leaves_the_old_state_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "state.pt"
    checkpoints.save(target, {"epoch": 1})

    def disk_full(state: Any, temporary: Path) -> None:
        temporary.write_bytes(b"half a check")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(target, {"epoch": 2})
    assert checkpoints.load(target, CPU) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [target]


def test_the_same_configuration_data_and_code_have_one_path() -> None:
    reordered = {"variant": {"epochs": 3, "lr": 1e-3}, "seed": 1}
    assert path() == path(reordered)
    assert path().parent == paths.checkpoints()
    assert path().name.startswith("mnist-vae-")


@pytest.mark.parametrize(
    "changed",
    [
        {"configuration": {"seed": 2, "variant": {"lr": 1e-3, "epochs": 3}}},
        {"configuration": {"seed": 1, "variant": {"lr": 1.1e-3, "epochs": 3}}},
        {"data": "d2"},
        {"device": torch.device("cuda")},
        {"processes": 2},
    ],
    ids=["seed", "params", "data", "device", "processes"],
)
def test_another_configuration_s_checkpoint_is_never_picked_up(changed: dict[str, Any]) -> None:
    assert path(**changed) != path()


def test_another_code_s_checkpoint_is_never_picked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "autoencoders"
    shutil.copytree(Path(autoencoders.__file__).parent, copy)
    before = path()
    monkeypatch.setattr(autoencoders, "__file__", str(copy / "__init__.py"))
    assert path() == before
    (copy / "page.py").write_text("# no number depends on the report's page")
    assert path() == before
    for module in ("objectives.py", "models/mlp.py", "training/loop.py", "inputs.py"):
        with (copy / module).open("a") as source:
            source.write("# a change\n")
        assert path() != before, module
        before = path()
