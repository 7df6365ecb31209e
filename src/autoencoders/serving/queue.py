"""The queue of requests: files are uploaded side by side, and one at a time is processed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, Semaphore, from_thread, to_thread
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from autoencoders.files import temporary_path
from autoencoders.images.picture import TooLarge

T = TypeVar("T")

PART = 2**20  # bytes; files of one part need no place
MAX_UPLOADS = 8  # places: larger files on the disk at a time; other requests wait
UPLOAD_SECONDS, PART_SECONDS = 60, 10  # time limits of the first part, and of each further part
FORM = "found a form; allowed: the file as the body, as `curl --data-binary @image.png` sends it"
TOO_SLOW = (
    f"the upload is too slow; allowed: {UPLOAD_SECONDS} seconds for the first MiB, {PART_SECONDS} "
    "seconds for each further one"
)
GONE = 499  # nginx's status for a client that has disconnected


@dataclass(eq=False)
class Job:
    """The file of a request, and the computation for it.

    Attributes:
        max_bytes: the allowed size of the file.
        resources: the file and one of the `MAX_UPLOADS` places, released after the computation.
        file: the path of the file.
        size: the received bytes.
        error: why the file cannot be used.
        scope: is cancelled when the client disconnects.
        share: the processed share, from 0 to 1.
    """

    max_bytes: int
    resources: AsyncExitStack
    file: Path = Path()
    size: int = 0
    error: Exception | None = None
    scope: CancelScope = field(default_factory=CancelScope)
    share: float = 0.0

    def append(self, part: bytearray) -> None:
        """Write a part to the file. After an error, only count the bytes."""
        is_first, self.size = self.size == 0, self.size + len(part)
        if self.size > self.max_bytes:
            allowed = f"{self.max_bytes // 2**20} MiB"
            self.error = TooLarge(f"found {self.size} bytes; allowed: {allowed}")
        if self.error:
            return
        try:
            if is_first:
                self.file = self.resources.enter_context(temporary_file())
            with self.file.open("ab") as stream:
                stream.write(part)
        except OSError as error:
            self.error = error

    def report(self, share: float) -> None:
        """Store the processed share; raise in the calling thread if the job is cancelled."""
        from_thread.check_cancelled()
        self.share = share


class Queue:
    """Stores the files of requests and computes one job at a time, in a thread.

    The first part of each file is received at once, so that slow clients delay nobody. Larger files
    then wait for one of a few places. Memory and disk space are therefore bounded.
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
            OSError: the file cannot be stored.
        """

        async def receive(request: Request) -> AsyncIterator[Job]:
            if request.headers.get("content-type", "").lower().startswith("multipart/"):
                raise HTTPException(415, FORM)
            try:
                async with AsyncExitStack() as resources:
                    job = Job(max_bytes, resources)
                    await self._receive(request, job)
                    with _cancelling(request, job):
                        yield job
            except asyncio.CancelledError:
                raise InterruptedError from None

        return receive

    async def compute(self, job: Job, work: Callable[[], T]) -> T:
        """Run `work` in a thread when it is the job's turn; return its result.

        Raises:
            CancelledError: the client has disconnected; `work` has ended or never started.
            OSError: the stored file has been removed.
        """

        def work_on_file() -> T:
            job.file.stat()
            return work()

        self._jobs.append(job)
        try:
            with job.scope:
                return await to_thread.run_sync(work_on_file, limiter=self._turn)
        finally:
            self._jobs.remove(job)
            await job.resources.aclose()
        raise asyncio.CancelledError

    async def _receive(self, request: Request, job: Job) -> None:
        """Receive a request's body in parts; wait for a place after the first one.

        It is read to its end after an error, because a client reads the answer only then.
        """
        part, clock = bytearray(), asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(UPLOAD_SECONDS) as limit:
                async for chunk in request.stream():
                    part += chunk
                    if len(part) >= PART:
                        if job.size == 0:
                            limit.reschedule(None)
                            await job.resources.enter_async_context(self._places)
                            request.state.has_place = True
                        limit.reschedule(clock() + PART_SECONDS)
                        job.append(part)
                        part.clear()
        except TimeoutError:
            raise HTTPException(408, TOO_SLOW) from None
        except ClientDisconnect:
            raise HTTPException(GONE) from None
        job.append(part)
        if job.error:
            raise job.error


def temporary_file() -> AbstractContextManager[Path]:
    """Return a path in TMPDIR; the first call removes what killed servers have left."""
    return temporary_path(Path(gettempdir(), "received"))


@contextmanager
def _cancelling(request: Request, job: Job) -> Iterator[None]:
    """Cancel the job when its request ends or the client disconnects."""

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
