"""Requests that wait for their turn: files come in a few at a time, and one of them computes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from autoencoders.application.network import Network, Run
from autoencoders.serving.applying import MOST_BYTES, TooLarge

T = TypeVar("T")

UPLOADS = 8  # files on the disk at a time; the others wait in their senders' sockets
PATIENCE = 60  # seconds that a file may take to arrive
LAST_TILE = 5  # seconds that what is computed has to end
LISTENING = 0.2  # seconds between two looks whether who asked is still there
GONE = 499  # as nginx has it: who asked has hung up


class Workplace:
    """One thread that computes, and the places of the few files that wait for it.

    Memory and disk are thus those of a few requests, however many there are. It is a context, and
    when that ends, so does what is computed.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(UPLOADS)
        self._turn = asyncio.Lock()
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closed = threading.Event()
        self._unwanted = threading.Event()  # what is computed now
        # A daemon, as no large image may keep Python from ending.
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Workplace":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closed.set()
        self._jobs.put(None)
        self._thread.join(LAST_TILE)

    def stoppable(self, network: Network) -> Network:
        """Return a network that goes on to no further tile of an image that is of no use any more.

        Nobody waits for it; or the context ends: torch must not be at work when Python does, which
        would abort the process.
        """

        def at(height: int, width: int) -> Run:
            if self._closed.is_set() or self._unwanted.is_set():
                raise InterruptedError
            return network.at(height, width)

        return replace(network, at=at)

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[Path]:
        """Yield the file that a request's body is, while it is needed.

        What is too large is read to its end and not kept, as a client that is cut off in the middle
        of its sentence does not hear the answer.

        Raises:
            TooLarge: it has too many bytes.
            HTTPException: it did not arrive in time, or not to its end.
        """
        async with self._places:
            with TemporaryDirectory(prefix="autoencoders-") as folder:
                file = Path(folder, "received")
                try:
                    async with asyncio.timeout(PATIENCE):
                        await _store(request, file)
                except TimeoutError:
                    raise HTTPException(
                        408, f"the file took more than {PATIENCE} seconds to arrive"
                    ) from None
                except ClientDisconnect:
                    raise HTTPException(GONE) from None
                yield file

    async def compute(self, request: Request, job: Callable[[], T]) -> T:
        """Return what a job returns when it was its turn; it is left out if nobody waits for it.

        Raises:
            HTTPException: nobody does any more.
            InterruptedError: the context ended before the job did.
        """
        async with self._turn:
            if await request.is_disconnected():
                raise HTTPException(GONE)
            result: Future[T] = Future()
            self._unwanted.clear()
            self._jobs.put((result, job))
            made = asyncio.wrap_future(result)
            while not (await asyncio.wait([made], timeout=LISTENING))[0]:
                if await request.is_disconnected():
                    self._unwanted.set()
            if self._unwanted.is_set() and made.exception():
                raise HTTPException(GONE)
            return made.result()

    def _work(self) -> None:
        while given := self._jobs.get():
            result, job = given
            if not result.set_running_or_notify_cancel():
                continue
            try:
                made = job()
            except BaseException as error:  # whatever it is, it is whose request's that waits
                result.set_exception(error)
            else:
                result.set_result(made)


async def _store(request: Request, file: Path) -> None:
    size = 0
    with file.open("wb") as stream:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= MOST_BYTES:
                stream.write(chunk)
    if size > MOST_BYTES:
        raise TooLarge(f"{size} bytes; allowed: {MOST_BYTES // 2**20} MiB")
