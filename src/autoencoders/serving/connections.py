"""The connections of the server: a limited number, and none for clients that stay silent."""

import asyncio
import os
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 256  # at a time; other clients wait
IDLE_SECONDS = 10  # until the first line and the headers of a request have arrived
UNREAD_SECONDS = 60  # while a client reads nothing of its answer
FULL_SECONDS = 1  # while others wait: for the headers; thrice as long for a small body
SHUTDOWN_SECONDS = 2  # for open requests after Ctrl-C
RETRY_SECONDS = 0.05


class Connection(H11Protocol):
    """An HTTP connection.

    Attributes:
        state: the request, whether it is answered, and the bytes that the client has not read.
        since: the time when the state has changed.
    """

    state: tuple[Any, bool, int] = (None, False, 0)
    since = 0.0

    def update(self) -> None:
        """Update the state; close the connection if the client is silent for too long."""
        idle = self.cycle is None or self.cycle.response_complete
        unread = self.transport.get_write_buffer_size()
        state, now = (self.cycle, idle, unread), self.loop.time()
        if state != self.state:
            self.state, self.since = state, now
        limit = UNREAD_SECONDS if unread else IDLE_SECONDS
        if (unread or idle) and now - self.since > limit:
            self.transport.abort()

    def delay(self) -> float:
        """Return by how many times the client is too slow with its request, while others wait."""
        self.update()
        _, idle, _ = self.state
        times = (self.loop.time() - self.since) / FULL_SECONDS
        if self.transport.is_closing():
            return 0
        if idle:
            return times
        uploads = self.cycle.more_body and self.transport.is_reading()
        return times / 3 if uploads and "has_place" not in self.cycle.scope["state"] else 0


class Server(uvicorn.Server):
    """A server that accepts connections only below a limit.

    The accept loop of asyncio prints a traceback for each connection above the limit of open files.
    """

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,  # the default closes the handlers of other libraries
            log_level="critical",  # the application reports errors
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            lifespan="off",
            ws="none",
        )
        super().__init__(config)
        self._open: set[Any] = self.server_state.connections
        self._tasks: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections from listening sockets."""
        await super().startup(sockets=[])
        works = [self._accept(listening) for listening in sockets or []]
        self._tasks = [asyncio.create_task(work) for work in (*works, self._close_unused())]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to accept connections, and end the open requests."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().shutdown(sockets)

    async def _accept(self, listening: socket.socket) -> None:
        loop, limit = asyncio.get_running_loop(), _max_connections()
        listening.setblocking(False)
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError:  # the client has gone, or too many files are open
                await asyncio.sleep(RETRY_SECONDS)
                continue
            while len(self._open) >= limit and not self._close_slowest():
                await asyncio.sleep(RETRY_SECONDS)
            await loop.connect_accepted_socket(
                lambda: Connection(self.config, self.server_state, {}), accepted
            )

    def _close_slowest(self) -> bool:
        """Close the slowest connection; return False if none is too slow."""
        slowest = max(self._open, key=Connection.delay)
        is_slow = slowest.delay() > 1
        if is_slow:
            slowest.transport.abort()
        return is_slow

    async def _close_unused(self) -> None:
        while True:
            await asyncio.sleep(1)
            for connection in list(self._open):
                connection.update()


def _max_connections() -> int:
    """Return the limit: a third of the process's open files, because requests need files, too."""
    if os.name == "nt":
        return MAX_CONNECTIONS
    import resource  # not on Windows

    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MAX_CONNECTIONS, max(1, open_files // 3))
