"""The queue of requests: a few files are uploaded at a time, and one of them is processed."""

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

MAX_UPLOADS = 8  # files on the disk at a time; other requests wait
UPLOAD_SECONDS = 60  # time limit of an upload
FORM = "found a form; allowed: the file as the body, as `curl --data-binary @image.png` sends it"
GONE = 499  # nginx's status for a client that has disconnected


@dataclass(eq=False)
class Job:
    """The computation for a request.

    Attributes:
        file: the uploaded file.
        resources: the file and the upload's place, released after the computation.
        scope: is cancelled when the client disconnects.
        share: the processed share, from 0 to 1.
    """

    file: Path
    resources: AsyncExitStack
    scope: CancelScope = field(default_factory=CancelScope)
    share: float = 0.0

    def report(self, share: float) -> None:
        """Store the processed share; raise in the calling thread if the job is cancelled."""
        from_thread.check_cancelled()
        self.share = share


class Queue:
    """Stores the files of a few requests and computes one job at a time, in a thread.

    Memory and disk space are therefore bounded for any number of requests.
    """

    def __init__(self) -> None:
        self._places = Semaphore(MAX_UPLOADS)
        self._turn = CapacityLimiter(1)
        self._jobs: list[Job] = []  # the first one is running

    def jobs_before(self, job: Job) -> int:
        """Return the number of jobs before this one."""
        return self._jobs.index(job)

    def upload(self, max_bytes: int) -> Callable[[Request], AsyncIterator[Job]]:
        """Return a FastAPI dependency that stores a request's body in a file and yields its job.

        The job is cancelled when the client disconnects. The dependency raises:
            TooLarge: the body has more than `max_bytes`.
            HTTPException: the body is late, incomplete or a form.
            InterruptedError: the server shuts down before it answers.
        """

        async def receive(request: Request) -> AsyncIterator[Job]:
            if request.headers.get("content-type", "").lower().startswith("multipart/"):
                raise HTTPException(415, FORM)
            try:
                async with AsyncExitStack() as resources:
                    await resources.enter_async_context(self._places)
                    folder = resources.enter_context(TemporaryDirectory(prefix="autoencoders-"))
                    job = Job(Path(folder, "received"), resources)
                    await _store(request, job.file, max_bytes)
                    with _cancelling(request, job):
                        yield job
            except asyncio.CancelledError:
                raise InterruptedError from None

        return receive

    async def compute(self, job: Job, work: Callable[[], T]) -> T:
        """Run `work` in a thread when it is the job's turn; return its result.

        Raises:
            CancelledError: the client has disconnected; `work` has ended or never started.
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
def _cancelling(request: Request, job: Job) -> Iterator[None]:
    """Cancel the job at the end of its request, and both when the client disconnects."""

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


async def _store(request: Request, file: Path, max_bytes: int) -> None:
    """Write a request's body to a file.

    A body that is too large is read to its end, because a client reads the answer only then.
    """
    size = 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            with file.open("wb") as stream:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size <= max_bytes:
                        stream.write(chunk)
    except TimeoutError:
        raise HTTPException(408, f"the upload took more than {UPLOAD_SECONDS} seconds") from None
    except ClientDisconnect:
        raise HTTPException(GONE) from None
    if size > max_bytes:
        raise TooLarge(f"found {size} bytes; allowed: {max_bytes // 2**20} MiB")
