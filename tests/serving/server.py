"""An application that answers on a free port, and what programs ask it."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Semaphore, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import torch
import uvicorn

from autoencoders.application.any_size import Geometry
from autoencoders.application.network import Network, Run
from autoencoders.serving.app import application
from autoencoders.serving.explorer import Explorer
from autoencoders.serving.working import Workplace


@contextmanager
def serving(
    network: Network, explorer: Explorer | str, hosts: Sequence[str] = ("*",)
) -> Iterator[str]:
    """Yield the address of a trained network that is served from a thread."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    with Workplace() as workplace:
        app = application(network, explorer, workplace, hosts)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def stepping(turns: Semaphore, shape: tuple[int, int, int] = (1, 6, 8)) -> Network:
    """Return a network that leaves images as they are, and takes a turn for each tile."""

    def at(height: int, width: int) -> Run:
        turns.acquire()
        return lambda seen: seen

    return Network("s", "a/s", shape, shape, at, torch.device("cpu"), Geometry(1, 0))


def post(address: str, body: Any, **query: str) -> tuple[int, str, bytes]:
    """Return the status, the content's type and the content of an answer."""
    content = body if isinstance(body, bytes) or hasattr(body, "__next__") else json.dumps(body)
    return ask(
        Request(
            f"{address}?{urlencode(query)}",
            content.encode() if isinstance(content, str) else content,
            {"Content-Type": "application/json" if isinstance(content, str) else "image/png"},
        )
    )


def ask(request: Request | str) -> tuple[int, str, bytes]:
    """Return the status, the content's type and the content of an answer."""
    try:
        with urlopen(request) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def refused(answer: tuple[int, str, bytes]) -> tuple[int, str]:
    """Return the status of a refusal, and what it says."""
    status, kind, content = answer
    assert kind == "application/json"
    return status, str(json.loads(content)["detail"])
