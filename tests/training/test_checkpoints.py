import errno
import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from autoencoders import params, paths
from autoencoders.pipeline import Item
from autoencoders.stages import train
from autoencoders.trained.variant import Description
from autoencoders.training import checkpoints

ROOT = Path(__file__).parents[2]

CPU = torch.device("cpu")
CONFIGURATION = {"seed": 1, "variant": {"lr": 1e-3, "epochs": 3}}


def path(
    configuration: Any = CONFIGURATION,
    data: str = "d1",
    code: str = "c1",
    device: torch.device = CPU,
    processes: int = 1,
    versions: Sequence[str] = ("2.14.1",),
) -> Path:
    return checkpoints.path("mnist-vae", configuration, data, code, device, processes, versions)


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

    def disk_full(temporary: Path, content: bytes) -> None:
        with temporary.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", disk_full)
        with pytest.raises(OSError, match=rf"No space left on device: '{target}'"):
            checkpoints.save(target, {"epoch": 2})
    assert checkpoints.load(target, CPU) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [target]


def flipped(content: bytes) -> bytes:
    """Return the content with one bit of its middle turned over."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def another_version_s(_: bytes) -> bytes:
    stream = io.BytesIO()
    torch.save({"epoch": 1}, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        *(lambda content: content[: len(content) // 2], lambda _: b"", lambda _: b"\x80\x04."),
        *(flipped, another_version_s, lambda _: None),
    ],
    ids=["half", "nothing", "other bytes", "one bit", "another version's", "a folder"],
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
    assert line.endswith("): it is deleted, and the training starts anew")
    assert list(tmp_path.iterdir()) == []


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
        {"code": "c2"},
        {"device": torch.device("cuda")},
        {"processes": 2},
        {"versions": ["2.14.1", "2.21.0", "3.15.1"]},
    ],
    ids=["seed", "params", "data", "code", "device", "processes", "versions"],
)
def test_another_configuration_s_checkpoint_is_never_picked_up(changed: dict[str, Any]) -> None:
    assert path(**changed) != path()


def test_another_code_s_checkpoint_is_never_picked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "src/autoencoders"
    shutil.copytree(ROOT / "src/autoencoders", sources)
    shutil.copy(ROOT / paths.PIPELINE, tmp_path)
    monkeypatch.chdir(tmp_path)
    description = Description(
        *("mnist", "vae", 1, "stand-in", "0" * 64, (1, 28, 28)),
        variant=params.load(ROOT / paths.PARAMS).variants["vae"],
    )

    def place() -> Path:
        return train._checkpoint(description, Item("train", "mnist", "vae"))

    before = place()
    assert place() == before
    (sources / "report/page.py").write_text("# no number depends on the report's page")
    assert place() == before
    for module in (
        "data/batches.py",
        "randomness.py",
        "training/loop.py",
        "variants/inputs.py",
        "variants/models/mlp.py",
        "variants/objectives/variational.py",
    ):
        with (sources / module).open("a") as source:
            source.write("# a change\n")
        assert place() != before, module
        before = place()
