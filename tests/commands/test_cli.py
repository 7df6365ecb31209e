import io
import os
import pkgutil
import re
import resource
import shutil
import signal
import subprocess
import sys
from argparse import Namespace
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from autoencoders import cli, commands, files, paths
from autoencoders.commands import track
from autoencoders.paths import RECORD
from tests.saved import ROOT, lay_out

# Importing each of these takes about a second or more.
SLOW = ("torch", "torchvision", "matplotlib", "pandas", "mlflow", "dvc", "numpy", "pydantic")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


@pytest.fixture
def own_signals() -> None:
    """Restore the default signal handlers, which `nohup` changes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in commands.END_SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def test_check_says_that_params_are_valid(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check"]) == 0
    assert "params.yaml is valid" in capsys.readouterr().out


def test_check_lists_every_mistake_and_runs_nothing(
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
    ("command", "message"),
    [
        (["train", "mnist", "cnov"], "variant: found 'cnov'; did you mean 'conv'?"),
        (["fetch", "minst"], "dataset: found 'minst'; did you mean 'mnist'?"),
        (["prepare", "mnist"], "dvc repro fetch@mnist"),
        (["train", "mnist", "conv"], "dvc repro prepare@mnist"),
    ],
)
def test_a_users_mistake_is_one_line_without_a_traceback(
    repository: Path, capsys: pytest.CaptureFixture[str], command: list[str], message: str
) -> None:
    assert cli.main(command) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert message in error


def test_outside_a_repository_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check"]) == 1
    assert "no dvc.yaml in" in capsys.readouterr().err


def test_the_params_of_a_trained_variant_are_not_those_of_the_repository(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = repository / paths.model("mnist", "vae")
    folder.mkdir(parents=True)
    (folder / RECORD).write_text("dataset: mnist\n")
    monkeypatch.chdir(folder)
    assert cli.main(["check"]) == 0
    assert "params.yaml is valid" in capsys.readouterr().out


def test_missing_params_are_an_error_that_says_how_to_restore_them(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / paths.PARAMS).unlink()
    (repository / "reports").mkdir()
    monkeypatch.chdir(repository / "reports")
    assert cli.main(["check"]) == 1
    advice = "run `git checkout params.yaml` to restore it"
    assert capsys.readouterr().err == f"error: {repository / paths.PARAMS} is missing: {advice}\n"


@pytest.mark.parametrize(
    ("target", "limit", "message"),
    [
        ("taken/by/a-file", 1000, "error: .*taken/by/?.*: (Not a directory|File exists)"),
        ("folder", 1000, "error: .*folder: Is a directory"),
        ("n" * 300, 1000, "error: .*nnn: File name too long"),
        ("file", 1, "error: .*file: File too large"),  # as a full disk
    ],
)
def test_a_system_error_is_one_line_with_the_file_and_the_reason(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    target: str,
    limit: int,
    message: str,
) -> None:
    (repository / "taken").mkdir()
    (repository / "taken" / "by").touch()
    (repository / "folder").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write(options: Namespace) -> list[str]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit * 1024, before[1]))
        try:
            files.write_bytes(repository / target, bytes(2048))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return []

    monkeypatch.setattr(track, "run", write)
    assert cli.main(["track"]) == 1
    assert re.fullmatch(f"{message}\n", capsys.readouterr().err)
    assert not list(repository.rglob("*.part"))


def test_an_internal_error_is_one_line_and_with_debug_a_traceback(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(options: Namespace) -> list[str]:
        raise KeyError("a fault")

    monkeypatch.setattr(track, "run", broken)
    assert cli.main(["track"]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "--debug" in error
    with pytest.raises(KeyError, match="a fault"):
        cli.main(["--debug", "track"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["--debug", "trian", "mnist", "vae"], "found the command 'trian'; did you mean 'train'?"),
        (["train", "mnist"], "variant"),
        (["check", "--loud"], "--loud"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert "--help" in line


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            PermissionError(13, "Permission denied", "data/raw"),
            "data/raw: Permission denied",
        ),
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError("Unable to allocate 7 TiB"), "not enough memory (MemoryError: "),
    ],
)
def test_a_lack_of_disk_or_memory_is_no_internal_error(
    fault: Exception,
    message: str,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lacking(options: Namespace) -> list[str]:
        raise fault

    monkeypatch.setattr(track, "run", lacking)
    assert cli.main(["track"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_sets_the_exit_code_that_shells_expect(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    number = getattr(signal, name)

    def signalled(options: Namespace) -> list[str]:
        os.kill(os.getpid(), number)
        return []

    monkeypatch.setattr(track, "run", signalled)
    assert cli.main(["track"]) == 128 + number
    assert "interrupted" in capsys.readouterr().err


SLOW_TO_END = """
import atexit, signal, sys, time
from autoencoders import cli, commands
from autoencoders.commands import track
atexit.register(time.sleep, 0.5)  # as torch's
def run(options):
    print("runs", flush=True)
    time.sleep(60)
track.run = run
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in commands.END_SIGNALS:
    signal.signal(number, signal.SIG_DFL)
sys.exit(cli.main(["track"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_further_signals_are_ignored_while_python_ends(repository: Path, first: str) -> None:
    command = [sys.executable, "-c", SLOW_TO_END]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "runs\n"
        for _ in range(20):
            process.send_signal(getattr(signal, first))
        assert process.stderr.readline() == "interrupted: no incomplete file is left\n"
        for number in (signal.SIGINT, *commands.END_SIGNALS) * 2:
            process.send_signal(number)
        assert process.communicate() == ("", "")
    assert process.returncode == 128 + getattr(signal, first)


@pytest.mark.slow
def test_a_copy_never_runs_the_source_of_the_original(tmp_path: Path) -> None:
    copy, experiment = tmp_path / "copy", tmp_path / "original/.dvc/tmp/exps/1"
    for folder in (tmp_path / "original", copy, experiment):
        shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
        lay_out(folder)
    check = experiment / "src/autoencoders/commands/check.py"
    check.write_text(check.read_text("utf-8").replace("is valid", "is fine"), "utf-8")

    def check_in(folder: Path) -> subprocess.CompletedProcess[str]:
        main = "import sys; from autoencoders.cli import main; sys.exit(main(['check']))"
        source = os.environ | {"PYTHONPATH": str(tmp_path / "original/src")}
        command = [sys.executable, "-c", main]
        return subprocess.run(
            command, cwd=folder, env=source, capture_output=True, text=True, check=False
        )

    refused = check_in(copy)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "make setup" in refused.stderr
    assert "is valid" in check_in(tmp_path / "original").stdout
    # In the copy that DVC makes for an experiment, the source of the experiment runs.
    assert "is fine" in check_in(experiment).stdout


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2), (["trian"], 2)])
def test_help_and_unknown_commands_import_no_slow_library(arguments: list[str], code: int) -> None:
    script = f"""
import atexit, sys
from autoencoders import cli
atexit.register(lambda: print(*({set(SLOW)!r} & set(sys.modules))))
cli.main({arguments!r})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == code
    assert done.stdout.splitlines()[-1] == ""


def test_python_m_runs_the_command_line_which_prints_its_version() -> None:
    command = [sys.executable, "-m", "autoencoders", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"autoencoders {metadata.version('autoencoders')}\n"


# --- adding a command

GREET = """
def add_arguments(parser):
    parser.add_argument("name")


def run(options):
    yield "hello"
    yield options.name
"""


@pytest.fixture
def greet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a command."""
    module = ModuleType("greet")
    exec(GREET, module.__dict__)
    monkeypatch.setitem(cli.COMMANDS, "greet", "say hello")
    monkeypatch.setitem(sys.modules, "autoencoders.commands.greet", module)


@pytest.mark.usefixtures("greet")
def test_a_module_with_a_line_in_the_table_is_a_command(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["greet", "everyone"]) == 0
    assert capsys.readouterr().out == "hello\neveryone\n"
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "say hello" in capsys.readouterr().out


@pytest.mark.usefixtures("greet")
def test_a_name_that_the_terminal_cannot_show_is_escaped(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert cli.main(["greet", os.fsdecode("é ".encode() + b"\xff")]) == 0
    terminal.flush()
    assert terminal.buffer.getvalue().split() == [b"hello", b"\\xe9", b"\\udcff"]


def test_every_module_of_commands_is_in_the_table() -> None:
    files = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert files == {*cli.COMMANDS, "stage"}
