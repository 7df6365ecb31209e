"""The environment variables that decide how threads wait for each other."""

import os
import subprocess
import sys

import pytest

from autoencoders import threads


@pytest.mark.parametrize(
    ("number", "cores", "busy", "expected"),
    [
        (1, 2, 0.0, threads.SLEEP),  # a single thread does not wait
        (2, 2, 0.0, threads.SPIN),
        (2, 2, 0.2, threads.SPIN),  # the load of an idle machine
        (2, 2, 1.0, threads.SLEEP),
        (2, 4, 1.9, threads.SPIN),  # another stage runs
        (2, 4, 3.0, threads.SLEEP),
        (4, 2, 0.0, threads.SLEEP),
        (2, 2, 40.0, threads.SLEEP),  # the load includes cores that are not available
    ],
)
def test_threads_spin_only_if_each_has_a_free_core(
    number: int, cores: int, busy: float, expected: dict[str, str]
) -> None:
    assert threads.choose_wait_variables(number, cores, busy) == expected


@pytest.mark.parametrize(("load", "expected"), [(0.0, threads.SPIN), (50.0, threads.SLEEP)])
def test_choice_depends_on_the_load_of_the_machine(
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
    assert threads.wait_variables(2) == {}, "the user has set it"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux uses GNU's OpenMP")
@pytest.mark.parametrize(
    ("variables", "sleeps"), [({}, True), ({"OMP_WAIT_POLICY": "ACTIVE"}, False)]
)
def test_threads_of_other_commands_sleep(variables: dict[str, str], sleeps: bool) -> None:
    script = "from autoencoders import cli; cli.main(['check']); import torch"
    others = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**others, "OMP_DISPLAY_ENV": "VERBOSE", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    # OpenMP shows the policy PASSIVE also if it is not set, so compare the spin count.
    assert ("GOMP_SPINCOUNT = '0'" in done.stderr) is sleeps
