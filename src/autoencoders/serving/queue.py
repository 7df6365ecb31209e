"""Requests that wait for their turn: files come in a few at a time, and one of them computes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, Semaphore, from_thread, to_thread
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from autoencoders.images.picture import TooLarge

T = TypeVar("T")

MAX_UPLOADS = 8  # files on the disk at a time; the others wait in their senders' sockets
UPLOAD_SECONDS = 60  # seconds that a file may take to arrive
FORM = "a form: send the file itself as the body, as `curl --data-binary @picture.png` does"
GONE = 499  # as nginx has it: the client has disconnected


@dataclass(eq=False)
class Job:
    """What is computed for a request.

    Attributes:
        file: what the request sent.
        resources: the file and the place in the queue, which are released after the computation.
        scope: is cancelled when the client has disconnected.
        share: how much of it is computed, from 0 to 1.
    """

    file: Path
    resources: AsyncExitStack
    scope: CancelScope = field(default_factory=CancelScope)
    share: float = 0.0

    def report(self, share: float) -> None:
        """Take down how much is computed; end the thread that calls it if the job is cancelled."""
        from_thread.check_cancelled()
        self.share = share


class Queue:
    """Holds the files of a few requests, and computes one job at a time, in a thread.

    Memory and disk are thus those of a few requests, however many there are.
    """

    def __init__(self) -> None:
        self._places = Semaphore(MAX_UPLOADS)
        self._turn = CapacityLimiter(1)
        self._jobs: list[Job] = []  # the first is computed

    def jobs_before(self, job: Job) -> int:
        """Return how many jobs are computed before this one."""
        return self._jobs.index(job)

    def upload(self, most: int) -> Callable[[Request], AsyncIterator[Job]]:
        """Return a dependency of FastAPI's: a job, whose file is a request's body of `most` bytes.

        The job is cancelled when the client disconnects. The dependency raises:
            TooLarge: there are too many bytes.
            HTTPException: it does not arrive in time, or not to its end; or it is a form.
            InterruptedError: the server ends before the request is answered.
        """

        async def received(request: Request) -> AsyncIterator[Job]:
            if request.headers.get("content-type", "").lower().startswith("multipart/"):
                raise HTTPException(415, FORM)
            try:
                async with AsyncExitStack() as resources:
                    await resources.enter_async_context(self._places)
                    folder = resources.enter_context(TemporaryDirectory(prefix="autoencoders-"))
                    job = Job(Path(folder, "received"), resources)
                    await _store(request, job.file, most)
                    with _ending_with(request, job):
                        yield job
            except asyncio.CancelledError:
                raise InterruptedError from None

        return received

    async def compute(self, job: Job, work: Callable[[], T]) -> T:
        """Return what `work` returns when it is the job's turn.

        Raises:
            CancelledError: nobody waits for it any more; it has ended, or not begun.
        """
        self._jobs.append(job)
        try:
            with job.scope:
                return await to_thread.run_sync(work, limiter=self._turn)
        finally:
            self._jobs.remove(job)
            await job.resources.aclose()
        raise asyncio.CancelledError


@contextmanager
def _ending_with(request: Request, job: Job) -> Iterator[None]:
    """End the job with its request, and both when the client disconnects."""

    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        job.scope.cancel()

    listening = asyncio.create_task(listen())
    try:
        yield
    except asyncio.CancelledError:
        if listening.done():
            raise HTTPException(GONE) from None
        raise
    finally:
        listening.cancel()
        job.scope.cancel()


async def _store(request: Request, file: Path, most: int) -> None:
    """Write a request's body into a file.

    A body that is too large is read to its end and discarded, because a client reads the answer
    only after it has sent the whole body.
    """
    size = 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            with file.open("wb") as stream:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size <= most:
                        stream.write(chunk)
    except TimeoutError:
        raise HTTPException(
            408, f"the file took more than {UPLOAD_SECONDS} seconds to arrive"
        ) from None
    except ClientDisconnect:
        raise HTTPException(GONE) from None
    if size > most:
        raise TooLarge(f"{size} bytes; allowed: {most // 2**20} MiB")
