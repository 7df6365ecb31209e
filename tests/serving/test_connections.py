import io
import json
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Semaphore
from urllib.request import Request

import numpy as np
import psutil
import pytest
from PIL import Image

from autoencoders.serving import connections, queue
from tests.serving.server import ask, post, refused, serving, stepping

pytestmark = pytest.mark.slow  # clients that wait

HEAD = "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n"
CHUNKED = "POST /apply HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
SLOW = {
    "nothing": "",
    "part of the headers": "GET /about HTTP/1.1\r\nHost: 127",
    "part of a body": HEAD.format("/apply", 1000) + "x",
    "a chunk": CHUNKED,
}


@pytest.fixture
def address() -> Iterator[str]:
    """Serve a network that returns its input."""
    with serving(stepping(Semaphore(10**6)), "nothing") as address:
        yield address


@contextmanager
def clients(address: str, count: int, sent: str | bytes) -> Iterator[list[socket.socket]]:
    """Yield connections that send the start of a request, and no more."""
    host, port = address.removeprefix("http://").split(":")
    content = sent.encode() if isinstance(sent, str) else sent
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            opened.append(stack.enter_context(socket.create_connection((host, int(port)))))
            opened[-1].sendall(content)
        yield opened


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server closes a connection within a few seconds."""
    connection.settimeout(5)
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def png(*size: int) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    Image.fromarray(noise).save(stream, "PNG")
    return stream.getvalue()


def seconds(address: str, sent: bytes) -> float:
    """Return the time of a request that succeeds."""
    start = time.monotonic()
    assert post(f"{address}/apply", sent)[0] == 200
    return time.monotonic() - start


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_slow_senders_delay_nobody(sent: str, address: str) -> None:
    with clients(address, 20, sent):
        assert seconds(address, png(8, 6)) < 2
        assert seconds(address, png(1200, 1200)) < 5, "larger than one part"


def test_a_slow_sender_of_a_large_file_makes_place(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PART_SECONDS", 0.5)
    large = png(1200, 1200)
    sent = HEAD.format("/apply", len(large)).encode() + large[:-1]
    with clients(address, queue.MAX_UPLOADS, sent) as opened:
        assert seconds(address, png(8, 6)) < 0.5
        assert seconds(address, large) < 5
        assert b" 408 " in opened[0].recv(1000)


def test_files_of_several_parts_are_complete(address: str) -> None:
    sent = png(1300, 1300)
    assert len(sent) > queue.PART
    status, _, content = post(f"{address}/apply", sent)
    assert status == 200
    with Image.open(io.BytesIO(content)) as made, Image.open(io.BytesIO(sent)) as expected:
        np.testing.assert_array_equal(np.asarray(made), np.asarray(expected))


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_slow_clients_make_place_for_others(sent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 4)
    monkeypatch.setattr(connections, "FULL_SECONDS", 0.2)
    with serving(stepping(Semaphore(9)), "nothing") as address, clients(address, 9, sent) as opened:
        assert seconds(address, png(8, 6)) < 4
        assert is_closed(opened[0])


def test_open_requests_keep_their_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(connections, "FULL_SECONDS", 0.1)
    turns = Semaphore(0)
    with serving(stepping(turns), "nothing") as address, ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(post, f"{address}/apply", png(8, 6)) for _ in range(6)]
        time.sleep(1)
        turns.release(6)
        assert [answer.result()[0] for answer in answers] == [200] * 6


@pytest.mark.parametrize("name", ["nothing", "part of the headers"])
def test_idle_connections_are_closed(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.1)
    with clients(address, 3, SLOW[name]) as opened:
        assert all(map(is_closed, opened))


def test_a_client_that_does_not_read_its_answer_is_disconnected(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.1)
    sent = png(4000, 4000)
    port = int(address.rpartition(":")[2])

    def is_open() -> bool:
        found = psutil.Process().net_connections("tcp")
        return any(c.laddr.port == port and c.status == "ESTABLISHED" for c in found)

    with clients(address, 1, HEAD.format("/convert?format=tiff", len(sent)).encode() + sent):
        assert is_open()
        for _ in range(100):
            if not is_open():
                break
            time.sleep(0.2)
        assert not is_open()


# --- the folder for temporary files


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_folder_for_temporary_files_is_created_again(address: str, temporary: Path) -> None:
    temporary.rmdir()
    assert post(f"{address}/apply", png(8, 6))[0] == 200
    assert list(temporary.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_an_error_with_the_reason(
    address: str, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    temporary.rmdir()
    temporary.touch()
    detail = (
        f"the server cannot store the file in {temporary} (File exists); make room there, or start "
        "the server with another TMPDIR"
    )
    for sent in (png(8, 6), png(1200, 1200)):
        assert refused(post(f"{address}/apply", sent)) == (503, detail)
    assert capsys.readouterr().err == f"warning: POST /apply: {detail}\n", "a line for both"
    temporary.unlink()
    assert post(f"{address}/apply", png(8, 6))[0] == 200


def test_a_file_that_is_removed_before_its_turn_is_an_error_of_the_server(temporary: Path) -> None:
    turns = Semaphore(0)
    with serving(stepping(turns), "nothing") as address, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(post, f"{address}/apply", png(8, 6)) for _ in range(2)]
        while len(files := list(temporary.glob("*/received"))) < 2:
            time.sleep(0.01)
        time.sleep(0.5)
        for file in files:
            file.unlink()
        turns.release(2)
        assert sorted(answer.result()[0] for answer in answers) == [200, 503]


# --- HEAD, hosts


@pytest.mark.parametrize("path", ["/", "/page.js", "/about", "/latent", "/openapi.json"])
def test_head_equals_get_without_the_content(path: str, address: str) -> None:
    status, kind, content = ask(f"{address}{path}")
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = connection.makefile("rb").read().decode()
    assert (status, head[:15]) == (200, "HTTP/1.1 200 OK")
    assert head.endswith("\r\n\r\n"), "no content"
    assert f"content-length: {len(content)}\r\n" in head
    assert f"content-type: {kind}\r\n" in head


def test_head_computes_nothing(address: str) -> None:
    assert ask(Request(f"{address}/apply", png(8, 6), method="HEAD"))[0] == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "localhost.", ""])
def test_the_refusal_of_a_host_names_the_remedy(host: str) -> None:
    allowed = ("localhost", "127.0.0.1", "[::1]", "127.0.0.1")
    with serving(stepping(Semaphore(0)), "nothing", allowed) as address:
        for path in ("/", "/about", "/nowhere"):
            status, said = refused(ask(Request(f"{address}{path}", headers={"Host": host})))
            assert status == 400
            assert said == (
                f"found the host {host!r}; allowed: localhost, 127.0.0.1, [::1]; use one of them "
                "in the address, or start `autoencoders serve` with --host 0.0.0.0 for all machines"
            )
        for host in ("LOCALHOST:99", "[::1]", "[::1]:8000"):
            answer = ask(Request(f"{address}/about", headers={"Host": host}))
            assert json.loads(answer[2])["variant"] == "a/s"
