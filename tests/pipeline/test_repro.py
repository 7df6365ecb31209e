"""`autoencoders repro`: parallel stages with the same bits as `dvc repro`."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoencoders import yaml12
from tests.faults.changes import put

Runner = Callable[..., subprocess.CompletedProcess[str]]
Copy = Callable[[Path], Path]

REPRO = ("autoencoders", "repro", "--jobs", "2")
TRAINED = "train@mnist-vae: "
LEARNING_RATE = "variants.{}.training.optimizers.model.lr"


def test_a_failure_stops_only_the_stages_that_depend_on_it(repository: Path, run: Runner) -> None:
    put(LEARNING_RATE.format("vae"), 1e30)(repository)
    put(LEARNING_RATE.format("conv"), 1e-3)(repository)
    shutil.rmtree(repository / "reports/figures/mnist/conv")
    done = run(repository, *REPRO, fails=True)
    lines = done.stdout.splitlines()
    (failure,) = [line for line in lines if "FAILED" in line]
    assert "train@mnist-vae FAILED: " in failure
    assert "validation loss" in next(line for line in lines if "train@mnist-conv: " in line)
    assert done.stderr.splitlines() == [
        "error: 1 of 7 stages failed: train@mnist-vae; dependent stages that did not run: 3; "
        "fix the errors above, then run the same command again"
    ]
    assert (repository / "reports/figures/mnist/conv").is_dir()


def test_after_ctrl_c_the_next_repro_finishes_and_a_concurrent_one_is_refused(
    repository: Path, run: Runner, environment: dict[str, str]
) -> None:
    put(LEARNING_RATE.format("vae"), 1e-3)(repository)
    source = {"PYTHONPATH": str(repository / "src")}
    with subprocess.Popen(
        REPRO,
        cwd=repository,
        env=environment | source,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Background jobs ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if TRAINED in line:
                break
        refused = run(repository, *REPRO, fails=True)
        assert "another `autoencoders repro`" in refused.stderr
        os.kill(running.pid, signal.SIGINT)
        rest = running.stdout.read()
    assert running.returncode == 130
    assert rest.splitlines()[-1] == "interrupted: no incomplete file is left"
    busy = subprocess.run(
        ["pgrep", "--full", os.fspath(repository)], capture_output=True, text=True
    )
    assert busy.stdout == ""

    (repository / ".dvc/tmp/rwlock").write_text('{"wri')  # as DVC leaves it when interrupted
    assert TRAINED not in run(repository, *REPRO).stdout
    assert "nothing to do: all 15 stages are up to date" in run(repository, *REPRO).stdout
    assert "up to date" in run(repository, "dvc", "status").stdout


def test_sequential_stages_with_other_threads_have_the_same_bits(
    built: Path, copy_repository: Copy, run: Runner, tmp_path: Path
) -> None:
    other = copy_repository(tmp_path / "other")
    run(other, "dvc", "repro", "figures@mnist-vae", "train@mnist-aae", OMP_NUM_THREADS="2")
    ours, theirs = (yaml12.read(folder / "dvc.lock")["stages"] for folder in (built, other))
    assert {"evaluate@mnist-vae", "train@mnist-aae"} < set(theirs)
    assert {name: stage["outs"] for name, stage in theirs.items()} == {
        name: ours[name]["outs"] for name in theirs
    }


def test_a_target_runs_only_with_its_dependencies(repository: Path, run: Runner) -> None:
    (repository / "reports/figures/mnist/vae/curves.png").unlink()
    done = run(repository, *REPRO, "figures@mnist-vae")
    first, last = done.stdout.splitlines()
    assert first.startswith("1 of 1 stages. figures@mnist-vae")
    assert last.startswith("all requested stages are up to date after ")


@pytest.mark.parametrize("target", ["trian", "train@mnist-gan"])
def test_an_unknown_target_is_one_error(repository: Path, run: Runner, target: str) -> None:
    done = run(repository, *REPRO, target, fails=True)
    assert len(done.stderr.splitlines()) == 1
    assert target in done.stderr
