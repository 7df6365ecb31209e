import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import Request

import pytest
from PIL import Image

from autoencoders.commands import serve
from tests.saved import ROOT, lay_out, run, saved
from tests.serving.server import Stream, ask, refused


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28))
    return tmp_path


def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start the command in a process; return it and the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "serve", *arguments, "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs, and what they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
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
        ([], "DATASET/VARIANT"),
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


@pytest.mark.parametrize(("host", "alone"), [("127.0.0.1", True), ("0.0.0.0", False)])
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
