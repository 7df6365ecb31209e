"""Small repositories to be spoilt, and commands run in copies of them.

`bare` has params.yaml and dvc.yaml alone; `prepared` has prepared images besides, `trained` a
trained `conv`, and `whole` all that the pipeline writes, as `dvc repro` wrote it.
"""

import contextlib
import ctypes
import http.server
import io
import os
import shlex
import shutil
import signal
import socketserver
import subprocess
import threading
import time
import traceback
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

from autoencoders import cli, files, pipeline, stages
from benchmarks import copies, small
from tests.faults.case import Case, Outcome
from tests.saved import ROOT, clone, lay_out

VARIANTS = ("conv", "vae")
ITEMS = tuple(pipeline.items(["mnist"], list(VARIANTS)))
KEPT_APART = ("mlflow.db*", "mlartifacts", ".dvc", ".git")  # what MLflow, DVC and git write
NOWHERE = "http://127.0.0.1:9"  # a port that nobody listens at
SECONDS = 60
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


class Worlds:
    """One of each world, made when first asked for; tries are run in copies.

    Runs are tracked beside the worlds, so that no try makes a database of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.server = _serve()
        self.environment = copies.environment(self.folder / "settings") | {
            "AUTOENCODERS_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'tracking' / 'mlflow.db'}",
            "PYTHONPATH": str(ROOT / "src"),
            # On a full disk Python leaves half of what it compiled, and takes it up again.
            "PYTHONDONTWRITEBYTECODE": "1",
            # Nothing is looked for beyond this machine.
            **{f"{scheme}_proxy": NOWHERE for scheme in ("http", "https")},
            "no_proxy": "127.0.0.1",
        }
        (self.folder / "tracking").mkdir(parents=True, exist_ok=True)

    @cached_property
    def bare(self) -> Path:
        """Params and stages, and the code they run by a link."""
        world = self.folder / "bare"
        world.mkdir()
        lay_out(world)
        small.write(world / "params.yaml", ["mnist"], VARIANTS, epochs=2)
        (world / "src").symlink_to(ROOT / "src")
        return world

    @cached_property
    def prepared(self) -> Path:
        """Fetched and prepared."""
        return self._with(self.bare, "prepared", "fetch@mnist", "prepare@mnist")

    @cached_property
    def trained(self) -> Path:
        """One variant trained."""
        return self._with(self.prepared, "trained", "train@mnist-conv")

    @cached_property
    def interrupted(self) -> Path:
        """A training that was stopped before its weights were written, with its checkpoint."""
        with patch("autoencoders.trained.variant.save", side_effect=KeyboardInterrupt):
            return self._with(self.prepared, "interrupted", "train@mnist-conv")

    @cached_property
    def repository(self) -> Path:
        """The working tree under git, in which `dvc repro` has run everything."""
        world = clone(self.folder / "repository", VARIANTS, self.environment)
        subprocess.run(
            ["dvc", "repro", "--quiet"],
            cwd=world,
            env=self.environment | {"PYTHONPATH": str(world / "src")},
            check=True,
            capture_output=True,
        )
        return world

    @cached_property
    def whole(self) -> Path:
        """All that `dvc repro` writes, and the code by a link."""
        world = self.folder / "whole"
        ignored = shutil.ignore_patterns("src", "cache", ".git", "mlflow.db*", "mlartifacts")
        shutil.copytree(self.repository, world, ignore=ignored)
        (world / "src").symlink_to(ROOT / "src")
        with (world / ".dvc" / "config.local").open("a") as config:
            config.write("[core]\n    no_scm = true\n")
        return world

    def attempt(self, case: Case, world: Path) -> Outcome:
        """Copy the world that a case needs, make it bad, run the command in it."""
        shutil.copytree(getattr(self, case.needs), world, symlinks=True)
        case.bad(world)
        known = {"world": str(world), "server": self.server}
        variables = {name: value.format(**known) for name, value in case.variables.items()}
        before = snapshot(world)
        run = _in_bash if case.shell else _in_process
        code, out, err = run(case.command, world, self.environment | variables)
        expected = snapshot(getattr(self, case.ends_like)) if case.ends_like else {}
        return Outcome(code, out, err, before, snapshot(world), expected)

    def _with(self, start: Path, name: str, *names: str) -> Path:
        world = self.folder / name
        shutil.copytree(start, world, symlinks=True)
        with _inside(world, self.environment):
            for item in ITEMS:
                if item.name in names:
                    with contextlib.suppress(KeyboardInterrupt):
                        stages.run(item)
        return world


def snapshot(world: Path) -> dict[str, str]:
    """Return the digest of every file and the target of every link, but for those KEPT_APART."""
    found = {}
    for folder, folders, names in os.walk(world):
        folders[:] = [name for name in folders if not _is_kept_apart(name)]
        for name in [*names, *(f for f in folders if Path(folder, f).is_symlink())]:
            path = Path(folder, name)
            if not _is_kept_apart(name):
                found[str(path.relative_to(world))] = _describe(path)
    return found


def _is_kept_apart(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in KEPT_APART)


def remove(world: Path) -> None:
    """Remove a world, whatever was made of its permissions."""
    for folder, _, _ in os.walk(world):
        os.chmod(folder, 0o755)  # noqa: PTH101 - names need not be text
    shutil.rmtree(world)


def _describe(path: Path) -> str:
    if path.is_symlink():
        return f"a link to {path.readlink()}"
    return files.digest(path) if path.is_file() else "no file"


@contextlib.contextmanager
def _inside(folder: Path, environment: dict[str, str]) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Go into a folder and its environment; yield what is printed there."""
    with (
        contextlib.chdir(folder),
        patch.dict(os.environ, environment, clear=True),
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        yield out, err


def _in_process(command: str, world: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    with _inside(world, environment) as (out, err):
        try:
            code = cli.main(shlex.split(command))
        except SystemExit as exit:
            code = int(exit.code or 0)
        except Exception:
            code = 1
            traceback.print_exc()
    return code, out.getvalue(), err.getvalue()


def _in_bash(command: str, world: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    process = subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=world,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        start_new_session=True,
        preexec_fn=_obey_permissions,
    )
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        err += f"\nnot done after {SECONDS} s"
    return process.returncode, out, err


def _obey_permissions() -> None:
    """Give up what lets root write into read-only folders."""
    prctl = ctypes.CDLL(None).prctl
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


class _BadMirror(http.server.BaseHTTPRequestHandler):
    """A server that answers badly: as the first part of the path says."""

    def do_GET(self) -> None:
        way = self.path.split("/")[1]
        if way.isdigit():
            self.send_error(int(way))
            return
        if way == "silent":
            time.sleep(SECONDS)
        self.send_response(200)
        body = b"<html>Log in to this network first</html>"
        self.send_header("Content-Length", str(len(body) * (2 if way == "cut" else 1)))
        self.end_headers()
        with contextlib.suppress(OSError):  # who asked has gone
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def _serve() -> str:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _BadMirror)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
