"""The application on a free port, and requests to it."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Semaphore, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from autoencoders.application.find_variant import load
from autoencoders.application.network import Network
from autoencoders.application.tiling import Geometry
from autoencoders.application.torch_network import trained_network
from autoencoders.images.picture import Floats
from autoencoders.serving.app import create_app
from autoencoders.serving.connections import Server
from autoencoders.serving.content import Examples, Explorer
from autoencoders.serving.trained_content import create_explorer


@contextmanager
def serving(
    network: Network,
    explorer: Explorer | str,
    hosts: Sequence[str] = ("*",),
    examples: Examples | None = None,
) -> Iterator[str]:
    """Serve a trained network in a thread; yield its address."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = Server(create_app(network, explorer, hosts, examples))
    thread = Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def loaded(name: str) -> tuple[Network, Explorer | str]:
    """Return the network and the explorer of a variant that was saved for MNIST."""
    trained = load(f"mnist/{name}")
    return trained_network(trained, "auto"), create_explorer(trained)


def stepping(turns: Semaphore, shape: tuple[int, int, int] = (1, 6, 8)) -> Network:
    """Return a network whose output is its input; each tile waits for a turn."""

    def run(tile: Floats, exact: bool) -> Floats:
        turns.acquire()
        return tile

    return Network("s", "a/s", shape, shape, run, Geometry(1, 0))


def post(address: str, body: Any, **query: str) -> tuple[int, str, bytes]:
    """Return the status, the content type and the content of an answer."""
    content = body if isinstance(body, bytes) or hasattr(body, "__next__") else json.dumps(body)
    return ask(
        Request(
            f"{address}?{urlencode(query)}",
            content.encode() if isinstance(content, str) else content,
            {"Content-Type": "application/json" if isinstance(content, str) else "image/png"},
        )
    )


def ask(request: Request | str) -> tuple[int, str, bytes]:
    """Return the status, the content type and the content of an answer."""
    try:
        with urlopen(request) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


class Stream:
    """An answer of /apply with progress: lines of JSON, then an image or an error."""

    def __init__(self, address: str, body: bytes, **query: str) -> None:
        url = f"{address}/apply?{urlencode(query | {'progress': 'true'})}"
        self.answer = urlopen(Request(url, body))
        assert self.answer.headers["Content-Type"] == "application/octet-stream"

    def until(self, **expected: float) -> dict[str, Any]:
        """Return the first line with this progress, or the last line, which has no progress."""
        line: dict[str, Any] = {"before": None}
        while "before" in line and line != expected:
            line = json.loads(self.answer.readline())
        return line

    def end(self) -> tuple[dict[str, Any], bytes]:
        """Return the last line and the image after it."""
        with self.answer:
            return self.until(), self.answer.read()


def refused(answer: tuple[int, str, bytes]) -> tuple[int, str]:
    """Return the status and the `detail` of a refusal."""
    status, kind, content = answer
    assert kind == "application/json"
    return status, str(json.loads(content)["detail"])
