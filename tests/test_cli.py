import subprocess
import sys
from pathlib import Path

import pytest

from autoencoders import cli, paths, stages

ROOT = Path(__file__).parents[1]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / paths.PARAMS).write_bytes((ROOT / paths.PARAMS).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def test_check_says_that_params_are_valid(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check"]) == 0
    assert "params.yaml is valid" in capsys.readouterr().out


def test_check_names_every_mistake_and_runs_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (repository / paths.PARAMS).read_text("utf-8")
    content = content.replace("train_fraction: 0.9", "train_fraction: 1.5").replace("seed:", "sed:")
    (repository / paths.PARAMS).write_text(content, "utf-8")
    assert cli.main(["check"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("error: params.yaml: ") for line in lines)
    assert any("data.train_fraction: found 1.5" in line for line in lines)
    assert any("sed: unknown key; did you mean 'seed'?" in line for line in lines)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["train", "mnist", "cnov"], "variant: found 'cnov'; did you mean 'conv'?"),
        (["fetch", "minst"], "dataset: found 'minst'; did you mean 'mnist'?"),
        (["prepare", "mnist"], "dvc repro fetch@mnist"),
        (["train", "mnist", "conv"], "dvc repro prepare@mnist"),
    ],
)
def test_a_users_mistake_is_one_line_without_a_traceback(
    repository: Path, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    assert cli.main(command) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert said in error


def test_outside_a_repository_the_message_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check"]) == 1
    assert "params.yaml" in capsys.readouterr().err


def test_a_fault_of_ours_is_one_line_and_with_debug_a_traceback(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[str]:
        raise KeyError("a fault")

    monkeypatch.setattr(stages, "track", broken)
    assert cli.main(["track"]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "--debug" in error
    with pytest.raises(KeyError, match="a fault"):
        cli.main(["--debug", "track"])


def test_ctrl_c_exits_as_shells_expect(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "track", interrupted)
    assert cli.main(["track"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_command_line_starts_without_what_takes_seconds() -> None:
    script = "import sys, autoencoders.cli; print({'torch', 'mlflow', 'pandas'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
