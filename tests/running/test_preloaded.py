"""Commands in forks of a process that has imported the libraries."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autoencoders import threads
from autoencoders.running import driver, preloaded

pytestmark = pytest.mark.skipif(
    not preloaded.SUPPORTED, reason="this system has no preloaded process"
)

# A server without libraries. Its program `autoencoders` does what its argument says.
SERVER = """
import os, signal, sys, time, types
from autoencoders.running import driver, preloaded

def main(arguments):
    if arguments[0] == "describe":
        print(os.getcwd(), os.environ.get("SAID"), sys.argv, file=sys.stderr)
    elif arguments[0] == "exit":
        sys.exit("no\\n")
    elif arguments[0] == "break":
        raise ValueError("broken")
    elif arguments[0] == "wait":
        try:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            print(os.getpid(), flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            return 130
    return 7

program = types.ModuleType("program")
program.main = main
sys.modules["program"] = program
preloaded.PROGRAMS = {"autoencoders": "program"}
preloaded.LIBRARIES = ()
preloaded.serve(sys.argv[1])
"""
CLIENT = (
    "import sys; from autoencoders.running import preloaded; "
    "sys.exit(preloaded.delegate('autoencoders', sys.argv[1:]))"
)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    address = tmp_path / "socket"
    command = [sys.executable, "-c", SERVER, str(address)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        while not address.exists():
            time.sleep(0.01)
        yield {**os.environ, preloaded.ADDRESS: str(address)}
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(10) == 0  # it ends with its parent


def client(environment: dict[str, str], argument: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, argument],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def test_a_command_has_the_folder_environment_and_arguments_of_the_client(
    environment: dict[str, str], tmp_path: Path
) -> None:
    process = client(environment | {"SAID": "é"}, "describe", tmp_path)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 7
    assert errors == f"{tmp_path} é ['autoencoders', 'describe']\n"


@pytest.mark.parametrize(("argument", "message"), [("exit", ""), ("break", "ValueError: broken\n")])
def test_the_client_gets_the_exit_code_of_a_failure(
    environment: dict[str, str], tmp_path: Path, argument: str, message: str
) -> None:
    process = client(environment, argument, tmp_path)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors.endswith(message)


def test_signals_reach_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    for send, code in ((os.killpg, 130), (os.kill, 143)):
        process = client(environment, "wait", tmp_path)
        assert process.stdout is not None
        process.stdout.readline()
        send(process.pid, signal.SIGINT if send is os.killpg else signal.SIGTERM)
        assert process.wait(10) == code
        process.communicate()


def test_a_command_ends_when_its_client_is_killed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    process = client(environment, "wait", tmp_path)
    assert process.stdout is not None
    running = int(process.stdout.readline())
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{running}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{running}").exists()


def test_a_killed_command_is_a_failure(environment: dict[str, str], tmp_path: Path) -> None:
    process = client(environment, "wait", tmp_path)
    assert process.stdout is not None
    os.kill(int(process.stdout.readline()), signal.SIGKILL)
    assert process.wait(10) == 137
    process.communicate()


def test_without_a_server_the_result_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(preloaded.ADDRESS, raising=False)
    assert preloaded.delegate("autoencoders", []) is None
    monkeypatch.setenv(preloaded.ADDRESS, str(tmp_path / "gone"))
    assert preloaded.delegate("autoencoders", []) is None


@pytest.mark.slow
def test_the_libraries_start_no_thread_that_a_fork_would_lack() -> None:
    script = (
        "import importlib, json, os, sys; from autoencoders.running.preloaded import LIBRARIES\n"
        "for name in LIBRARIES: importlib.import_module(name)\n"
        "tasks = '/proc/self/task'\n"
        "threads = [open(f'{tasks}/{id}/comm').read() for id in os.listdir(tasks)]\n"
        "ours = [name for name in sys.modules if name.startswith('autoencoders')]\n"
        "print(json.dumps([threads, ours]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **threads.SINGLE_THREAD},
        capture_output=True,
        text=True,
        check=True,
    )
    names, ours = json.loads(done.stdout)
    others = [name.strip() for name in names[1:]]
    assert set(others) <= {"jemalloc_bg_thd"}  # PyArrow's allocator restarts it in a fork
    assert ours == ["autoencoders", "autoencoders.running", "autoencoders.running.preloaded"]


def test_a_training_whose_threads_spin_imports_its_libraries_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def serving() -> Iterator[str]:
        yield "socket"

    monkeypatch.setattr(driver, "_preloaded", serving)
    monkeypatch.setattr(
        threads, "wait_variables", lambda width: threads.SPIN if width > 1 else threads.SLEEP
    )
    with driver._environments() as environment:
        wide, narrow = environment(2), environment(1)
    assert threads.SPIN.items() <= wide.items()
    assert preloaded.ADDRESS not in wide
    assert {**threads.SLEEP, preloaded.ADDRESS: "socket"}.items() <= narrow.items()
