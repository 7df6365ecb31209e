import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import Request

import psutil
import pytest
from PIL import Image

from autoencoders.commands import serve
from autoencoders.serving import queue
from tests.saved import ROOT, lay_out, run, saved
from tests.serving.server import Stream, ask, refused


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28))
    return tmp_path


def started(
    *arguments: str, limits: Sequence[tuple[int, int]] = ()
) -> tuple[subprocess.Popen[str], str]:
    """Start the command in a process with limits; return it and the address that it prints."""

    def prepare() -> None:
        # A shell's background jobs, and what they start, ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for kind, limit in limits:
            resource.setrlimit(kind, (limit, limit))

    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "serve", *arguments, "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith(f"{arguments[0]}: http://127.0.0.1:"), process.stderr
    assert line.endswith(" (Ctrl-C stops it)\n")
    return process, line.split()[1]


MAIN = "import sys; from autoencoders.cli import main; sys.exit(main())"
NO_OUTPUT = ("", "")  # Ctrl-C is no error


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_the_server_answers_when_its_address_is_printed_and_ctrl_c_stops_it() -> None:
    process, address = started("mnist/superres")
    try:
        assert ask(address)[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == NO_OUTPUT
        assert process.returncode == 0
    finally:
        process.kill()


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_kill_stops_the_server_without_waiting_for_a_large_image() -> None:
    Image.new("L", (5000, 5000)).save("large.png")
    process, address = started("mnist/superres")
    answers: list[tuple[int, str, bytes]] = []

    def send() -> None:
        answers.append(ask(Request(f"{address}/apply", Path("large.png").read_bytes())))

    try:
        stream = Stream(address, Path("large.png").read_bytes())
        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(1)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20) == NO_OUTPUT
        assert time.monotonic() - start < 10
        assert process.returncode == 0
        sender.join()
        ending = (503, "the server is shutting down: send the request again later")
        assert refused(answers[0]) == ending
        assert tuple(stream.end()[0].values()) == ending
    finally:
        process.kill()


@pytest.mark.usefixtures("repository")
def test_a_port_in_use_is_one_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        lines, (error,) = run(serve, "serve", "mnist/superres", "--port", port)
    assert lines == []
    assert error == (
        f"--port: found {port}, which another program uses; allowed: a free port, or 0 for any "
        "free one"
    )


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_connections_above_the_limit_of_open_files_print_nothing() -> None:
    process, address = started("mnist/superres", limits=[(resource.RLIMIT_NOFILE, 64)])
    port = int(address.rpartition(":")[2])
    try:
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        assert ask(f"{address}/about")[0] == 200
        assert psutil.Process(process.pid).num_fds() < 64
        for connection in idle:
            connection.close()
        process.terminate()
        assert process.communicate(timeout=20) == NO_OUTPUT
    finally:
        process.kill()


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_a_full_disk_is_an_error_with_the_reason() -> None:
    Image.new("L", (90, 90)).save("a.bmp")
    process, address = started("mnist/superres", limits=[(resource.RLIMIT_FSIZE, 4096)])
    try:
        status, said = refused(ask(Request(f"{address}/apply", Path("a.bmp").read_bytes())))
        assert status == 507
        assert said.startswith(f"the server cannot store the file in {tempfile.gettempdir()} (File")
        assert ask(f"{address}/about")[0] == 200
    finally:
        process.kill()


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_the_next_start_removes_what_a_killed_server_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    process, address = started("mnist/superres")
    head = "POST /apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as sender:
        sender.sendall(head.encode() + bytes(2 * queue.PART))
        while not list(folder.glob("*/received")):
            time.sleep(0.01)
        process.kill()
        process.communicate()
    assert list(folder.glob("*/received"))
    process, _ = started("mnist/superres")
    try:
        assert not list(folder.glob("*/received"))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
def test_all_addresses_of_ipv6_include_those_of_ipv4() -> None:
    with serve._listening("::", 0) as listening:
        port = listening.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port)).close()


@pytest.mark.usefixtures("repository")
def test_an_address_of_another_machine_is_one_error() -> None:
    lines, (error,) = run(serve, "serve", "mnist/superres", "--host", "203.0.113.1")
    assert lines == []
    assert error == (
        "cannot listen on --host 203.0.113.1 --port 8000 (Cannot assign requested address); "
        "allowed: an address of this machine, and a port that you may use, or 0 for any free one"
    )


@pytest.mark.usefixtures("repository")
def test_an_untrained_variant_is_one_error() -> None:
    lines, (error,) = run(serve, "serve", "mnist/superes", "--port", "0")
    assert lines == []
    assert error.startswith(
        "found 'mnist/superes', which is not trained; did you mean 'mnist/superres'?"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a/b", "--port", "70000"], "argument --port: found '70000'; allowed: 0 to 65535"),
        (["a/b", "--port", "http"], "argument --port: found 'http'; allowed: 0 to 65535"),
        ([], "NETWORK"),
        (["a/b", "--model", "models:/a/1"], "not allowed with"),
    ],
)
def test_wrong_arguments_are_one_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(serve, "serve", *arguments)
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("[::1]", True), ("0.0.0.0", False)]
)
@pytest.mark.usefixtures("repository")
def test_access_from_other_machines_is_a_warning(
    host: str, alone: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    (line,), errors = run(serve, "serve", "mnist/superres", "--port", "0", "--host", host)
    assert errors == []
    assert line.startswith(f"mnist/superres: http://{host}:")
    warned = capsys.readouterr().err
    assert warned.startswith("" if alone else f"warning: --host {host}: every machine")
    assert bool(warned) is not alone
