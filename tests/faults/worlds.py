"""Small repositories, and commands that run in spoilt copies of them.

`bare` contains params.yaml and dvc.yaml, `prepared` also prepared images, `trained` also a trained
`conv`, and `whole` all outputs of `dvc repro`.
"""

import contextlib
import ctypes
import http.client
import http.server
import io
import json
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
from autoencoders.commands.serve import LOCAL_HOSTS
from benchmarks import copies, small
from tests.faults.case import Case, Outcome
from tests.saved import ROOT, clone, lay_out
from tests.serving import server

VARIANTS = ("conv", "vae")
ITEMS = tuple(pipeline.items(["mnist"], list(VARIANTS)))
IGNORED = ("mlflow.db*", "mlartifacts", ".dvc", ".git")  # files of MLflow, DVC and git
NOWHERE = "http://127.0.0.1:9"  # a port without a server
SECONDS = 60
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


class Worlds:
    """One of each world, created at first use; cases run in copies.

    All runs are tracked in one database outside the worlds, to save time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.server = _serve()
        self._ends = contextlib.ExitStack()
        self.environment = copies.environment(self.folder / "settings") | {
            "AUTOENCODERS_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'tracking' / 'mlflow.db'}",
            "PYTHONPATH": str(ROOT / "src"),
            # On a full disk Python writes half of a bytecode file and later loads it.
            "PYTHONDONTWRITEBYTECODE": "1",
            # Nothing connects to another machine.
            **{f"{scheme}_proxy": NOWHERE for scheme in ("http", "https")},
            "no_proxy": "127.0.0.1",
        }
        (self.folder / "tracking").mkdir(parents=True, exist_ok=True)

    @cached_property
    def bare(self) -> Path:
        """Params and stages, and a link to the code."""
        world = self.folder / "bare"
        world.mkdir()
        lay_out(world)
        small.write(world / "params.yaml", ["mnist"], VARIANTS, epochs=2)
        (world / "src").symlink_to(ROOT / "src")
        return world

    @cached_property
    def prepared(self) -> Path:
        """The world `bare` after fetch and prepare."""
        return self._with(self.bare, "prepared", "fetch@mnist", "prepare@mnist")

    @cached_property
    def trained(self) -> Path:
        """The world `prepared` with one trained variant."""
        return self._with(self.prepared, "trained", "train@mnist-conv")

    @cached_property
    def interrupted(self) -> Path:
        """A training that was interrupted before it wrote its weights, with its checkpoint."""
        with patch("autoencoders.trained.variant.save", side_effect=KeyboardInterrupt):
            return self._with(self.prepared, "interrupted", "train@mnist-conv")

    @cached_property
    def repository(self) -> Path:
        """A clone of the working tree under git, after `dvc repro` of all stages."""
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
        """All outputs of `dvc repro`, and a link to the code."""
        world = self.folder / "whole"
        ignored = shutil.ignore_patterns("src", "cache", ".git", "mlflow.db*", "mlartifacts")
        shutil.copytree(self.repository, world, ignore=ignored)
        (world / "src").symlink_to(ROOT / "src")
        with (world / ".dvc" / "config.local").open("a") as config:
            config.write("[core]\n    no_scm = true\n")
        return world

    @cached_property
    def model_server(self) -> str:
        """The host and port of a server of `mnist/conv`."""
        with _inside(self.trained, self.environment):
            network, explorer = server.loaded("conv")
        address = self._ends.enter_context(server.serving(network, explorer, LOCAL_HOSTS))
        return address.removeprefix("http://")

    def close(self) -> None:
        """End the server of `mnist/conv`."""
        self._ends.close()

    def attempt(self, case: Case, world: Path) -> Outcome:
        """Copy the world of a case, make it bad, run the command in it; return the outcome."""
        shutil.copytree(getattr(self, case.needs), world, symlinks=True)
        case.bad(world)
        places = {"world": str(world), "server": self.server}
        variables = {name: value.format(**places) for name, value in case.variables.items()}
        before = snapshot(world)
        if case.kind == "requests":
            code, out, err = _request(case.command, world, self.model_server)
        else:
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
    """Return the digest of every file and the target of every link, except IGNORED ones."""
    contents = {}
    for folder, folders, names in os.walk(world):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        for name in [*names, *(f for f in folders if Path(folder, f).is_symlink())]:
            path = Path(folder, name)
            if not _is_ignored(name):
                contents[str(path.relative_to(world))] = _describe(path)
    return contents


def _is_ignored(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in IGNORED)


def remove(world: Path) -> None:
    """Remove a world, whatever its permissions."""
    for folder, _, _ in os.walk(world):
        os.chmod(folder, 0o755)  # noqa: PTH101 - names may be bytes
    shutil.rmtree(world)


def _describe(path: Path) -> str:
    if path.is_symlink():
        return f"a link to {path.readlink()}"
    return files.digest(path) if path.is_file() else "no file"


@contextlib.contextmanager
def _inside(folder: Path, environment: dict[str, str]) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Change into a folder and its environment; yield standard output and standard error."""
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
        preexec_fn=_drop_root_permissions,
    )
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        err += f"\nstill running after {SECONDS} s"
    return process.returncode, out, err


def _request(command: str, world: Path, host: str) -> tuple[int, str, str]:
    """Send a request `METHOD ADDRESS [HEADER: VALUE]… [FILE]`; return an error as a command does.

    The exit code is the status of an error, else 0; standard error is its `detail`.
    """
    method, address, *more = shlex.split(command)
    headers = dict(part.split(": ") for part in more if ": " in part)
    body = b"".join((world / part).read_bytes() for part in more if ": " not in part)
    with contextlib.closing(http.client.HTTPConnection(host, timeout=SECONDS)) as connection:
        connection.request(method, address, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    if answer.status < 400:
        return 0, f"{len(content)} bytes", ""
    return answer.status, "", f"error: {json.loads(content)['detail']}"


def _drop_root_permissions() -> None:
    """Drop the capabilities that let root write into read-only folders."""
    prctl = ctypes.CDLL(None).prctl
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


class _BadMirror(http.server.BaseHTTPRequestHandler):
    """A server with bad answers; the first part of the path selects one."""

    def do_GET(self) -> None:
        fault = self.path.split("/")[1]
        if fault.isdigit():
            self.send_error(int(fault))
            return
        if fault == "silent":
            time.sleep(SECONDS)
        self.send_response(200)
        body = b"<html>Log in to this network first</html>"
        self.send_header("Content-Length", str(len(body) * (2 if fault == "cut" else 1)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client has disconnected
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


def _serve() -> str:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _BadMirror)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
