"""A command that runs in a fork of a process which has the libraries already."""

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

pytestmark = pytest.mark.skipif(not preloaded.SUPPORTED, reason="forks nothing here")

# A server without libraries, whose program `autoencoders` does what its argument says.
SERVER = """
import os, signal, sys, time, types
from autoencoders.running import driver, preloaded

def main(arguments):
    if arguments[0] == "describe":
        print(os.getcwd(), os.environ.get("SAID"), sys.argv, file=sys.stderr)
    elif arguments[0] == "leave":
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
        assert server.wait(10) == 0  # it ends with who started it


def client(environment: dict[str, str], what: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, what],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def test_a_command_runs_as_if_in_the_process_that_asks(
    environment: dict[str, str], tmp_path: Path
) -> None:
    asking = client(environment | {"SAID": "é"}, "describe", tmp_path)
    _, errors = asking.communicate(timeout=10)
    assert asking.returncode == 7
    assert errors == f"{tmp_path} é ['autoencoders', 'describe']\n"


@pytest.mark.parametrize(("what", "said"), [("leave", ""), ("break", "ValueError: broken\n")])
def test_however_it_ends_the_exit_code_is_told(
    environment: dict[str, str], tmp_path: Path, what: str, said: str
) -> None:
    asking = client(environment, what, tmp_path)
    _, errors = asking.communicate(timeout=10)
    assert asking.returncode == 1
    assert errors.endswith(said)


def test_ctrl_c_ends_it_and_signals_reach_it(environment: dict[str, str], tmp_path: Path) -> None:
    for send, code in ((os.killpg, 130), (os.kill, 143)):
        asking = client(environment, "wait", tmp_path)
        assert asking.stdout is not None
        asking.stdout.readline()
        send(asking.pid, signal.SIGINT if send is os.killpg else signal.SIGTERM)
        assert asking.wait(10) == code
        asking.communicate()


def test_it_does_not_outlive_a_killed_client(environment: dict[str, str], tmp_path: Path) -> None:
    asking = client(environment, "wait", tmp_path)
    assert asking.stdout is not None
    running = int(asking.stdout.readline())
    asking.kill()
    asking.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{running}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{running}").exists()


def test_a_killed_command_is_a_failure(environment: dict[str, str], tmp_path: Path) -> None:
    asking = client(environment, "wait", tmp_path)
    assert asking.stdout is not None
    os.kill(int(asking.stdout.readline()), signal.SIGKILL)
    assert asking.wait(10) == 137
    asking.communicate()


def test_without_a_server_nobody_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
    found, ours = json.loads(done.stdout)
    beside = [name.strip() for name in found[1:]]
    assert set(beside) <= {"jemalloc_bg_thd"}  # PyArrow's allocator, which starts it anew in a fork
    assert ours == ["autoencoders", "autoencoders.running", "autoencoders.running.preloaded"]


def test_a_training_whose_threads_look_for_each_other_loads_its_libraries_itself(
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
