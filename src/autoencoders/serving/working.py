"""Requests that wait for their turn: files come in a few at a time, and one of them computes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from autoencoders.application.network import Network, Run
from autoencoders.lazy import Tensor
from autoencoders.serving.applying import MOST_BYTES, TooLarge
from autoencoders.serving.kept import Kept
from autoencoders.serving.progress import Progress

T = TypeVar("T")

UPLOADS = 8  # files on the disk at a time; the others wait in their senders' sockets
PATIENCE = 60  # seconds that a file may take to arrive
LAST_TILE = 5  # seconds that what is computed has to end
LISTENING = 0.2  # seconds between two looks whether who asked is still there
FORM = "a form: send the file itself as the body, as `curl --data-binary @picture.png` does"
GONE = 499  # as nginx has it: who asked has hung up


class Workplace:
    """One thread that computes, and the places of the few files that wait for it.

    Memory and disk are thus those of a few requests, however many there are. It is a context, and
    when that ends, so does what is computed.

    Attributes:
        kept: the last images that were made; for jobs alone, of which there is one at a time.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(UPLOADS)
        self._turn = asyncio.Lock()
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._line: list[Progress] = []  # whose files are here; the first is computed
        self._watched: dict[str, Progress] = {}
        self._closed = threading.Event()
        # A job that is too slow in ending may write there yet.
        self._folder = TemporaryDirectory(prefix="autoencoders-", ignore_cleanup_errors=True)
        self.kept = Kept(Path(self._folder.name))
        # A daemon, as no large image may keep Python from ending.
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Workplace":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closed.set()
        self._jobs.put(None)
        self._thread.join(LAST_TILE)
        self._folder.cleanup()

    def watched(self, network: Network, progress: Progress) -> Network:
        """Return a network that counts the tiles, and goes on to none that is of no use any more.

        Nobody waits for it; or the context ends: torch must not be at work when Python does, which
        would abort the process.
        """

        def at(height: int, width: int) -> Run:
            if self._closed.is_set() or not progress.wanted:
                raise InterruptedError
            run = network.at(height, width)

            def counted(seen: Tensor) -> Tensor:
                made = run(seen)
                progress.through += 1
                return made

            return counted

        return replace(network, at=at)

    @contextmanager
    def progress(self, ticket: str | None) -> Iterator[Progress]:
        """Yield a request's progress, which can be asked for by its ticket meanwhile."""
        progress = Progress()
        if ticket is not None:
            self._watched[ticket] = progress
        try:
            yield progress
        finally:
            self._watched.pop(ticket or "", None)

    def how_far(self, ticket: str) -> tuple[int | None, float]:
        """Return how many are before a request, and how much of its image is through, in [0, 1].

        It is not known how many are before it until its file is here.
        """
        progress = self._watched.get(ticket)
        if progress not in self._line:
            return None, 0.0
        return self._line.index(progress), progress.share

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[Path]:
        """Yield the file that a request's body is, while it is needed.

        What is too large is read to its end and not kept, as a client that is cut off in the middle
        of its sentence does not hear the answer.

        Raises:
            TooLarge: it has too many bytes.
            HTTPException: it did not arrive in time, or not to its end; or it is a form.
            InterruptedError: the server ends before it is needed no more.
        """
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            raise HTTPException(415, FORM)
        async with _cancelled_as_interrupted(), self._places:
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

    async def compute(
        self, request: Request, job: Callable[[], T], progress: Progress | None = None
    ) -> T:
        """Return what a job returns when it was its turn; it is left out if nobody waits for it.

        Raises:
            HTTPException: nobody does any more.
            InterruptedError: the context ended before the job did.
        """
        with self._lined_up(progress or Progress()) as work:
            async with self._turn:
                return await self._computed(request, job, work)

    @contextmanager
    def _lined_up(self, work: Progress) -> Iterator[Progress]:
        self._line.append(work)
        try:
            yield work
        finally:
            self._line.remove(work)

    async def _computed(self, request: Request, job: Callable[[], T], work: Progress) -> T:
        if await request.is_disconnected():
            raise HTTPException(GONE)
        result: Future[T] = Future()
        self._jobs.put((result, job))
        made = asyncio.wrap_future(result)
        while not (await asyncio.wait([made], timeout=LISTENING))[0]:
            if await request.is_disconnected():
                work.wanted = False
        if not work.wanted and made.exception():
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


@asynccontextmanager
async def _cancelled_as_interrupted() -> AsyncIterator[None]:
    """Have an answer to who still waits when the server, at its end, cancels all that goes on."""
    try:
        yield
    except asyncio.CancelledError:
        raise InterruptedError from None


async def _store(request: Request, file: Path) -> None:
    size = 0
    with file.open("wb") as stream:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= MOST_BYTES:
                stream.write(chunk)
    if size > MOST_BYTES:
        raise TooLarge(f"{size} bytes; allowed: {MOST_BYTES // 2**20} MiB")
