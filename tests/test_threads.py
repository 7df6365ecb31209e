"""How threads wait for each other, decided before torch is imported."""

import os
import subprocess
import sys

import pytest

from autoencoders import threads


@pytest.mark.parametrize(
    ("number", "cores", "busy", "expected"),
    [
        (1, 2, 0.0, threads.SLEEP),  # it waits for no other
        (2, 2, 0.0, threads.SPIN),
        (2, 2, 0.2, threads.SPIN),  # what a machine does at rest
        (2, 2, 1.0, threads.SLEEP),
        (2, 4, 1.9, threads.SPIN),  # beside another stage
        (2, 4, 3.0, threads.SLEEP),
        (4, 2, 0.0, threads.SLEEP),
        (2, 2, 40.0, threads.SLEEP),  # of a machine that is larger than what may be used
    ],
)
def test_threads_look_where_each_has_a_core_of_its_own(
    number: int, cores: int, busy: float, expected: dict[str, str]
) -> None:
    assert threads.choose_wait_variables(number, cores, busy) == expected


@pytest.mark.parametrize(("load", "expected"), [(0.0, threads.SPIN), (50.0, threads.SLEEP)])
def test_the_machine_s_load_decides(
    load: float, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*threads.SLEEP, *threads.SPIN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("psutil.cpu_percent", lambda interval: load)
    monkeypatch.setattr("psutil.cpu_count", lambda: 2)
    monkeypatch.setattr(threads, "available_cores", lambda: 2)
    assert threads.wait_variables(2) == expected
    assert threads.wait_variables(1) == threads.SLEEP
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert threads.wait_variables(2) == {}, "the user has said"


@pytest.mark.skipif(sys.platform != "linux", reason="others have another OpenMP than GNU's")
@pytest.mark.parametrize(("asked", "sleeps"), [({}, True), ({"OMP_WAIT_POLICY": "ACTIVE"}, False)])
def test_other_commands_leave_the_core_to_others(asked: dict[str, str], sleeps: bool) -> None:
    script = "from autoencoders import cli; cli.main(['check']); import torch"
    others = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**others, "OMP_DISPLAY_ENV": "VERBOSE", **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    # How often a thread looks before it sleeps; the policy itself reads PASSIVE where none is set.
    assert ("GOMP_SPINCOUNT = '0'" in done.stderr) is sleeps
