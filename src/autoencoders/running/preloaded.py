"""Commands in forks of a process that has already imported the heavy libraries.

Importing torch, MLflow and DVC takes longer than many stages compute. `serve` imports them once and
forks for each command. `delegate` sends a command to this server and waits for its exit code. The
server imports none of our own code, so each fork runs the code that the repository has then.
"""

import importlib
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

ADDRESS = "AUTOENCODERS_PRELOADED"  # the environment variable that names the server's socket
SUPPORTED = sys.platform == "linux"  # macOS has fork too, but its libraries do not survive it
# What stages import when they come to it; an optimiser's first step imports torch's compiler.
LIBRARIES = (
    "dvc.cli",
    "dvc.commands.repro",
    "dvc.repo",
    "matplotlib.pyplot",
    "mlflow.pytorch",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "pandas",
    "pydantic",
    "sklearn.mixture",
    "torch._dynamo",
    "torch.export._trace",
)
PROGRAMS = {"autoencoders": "autoencoders.cli", "dvc": "dvc.cli"}  # by the module of their `main`
SIZE = 8  # bytes of a request's length
KILLED = 128 + 9  # the exit code of what ended without one, as shells have it


def delegate(program: str, arguments: Sequence[str]) -> int | None:
    """Have a program run as if in this process; return its exit code, None where nobody serves."""
    address = os.environ.get(ADDRESS)
    if not address:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return None
        request = json.dumps(
            {
                "program": program,
                "arguments": list(arguments),
                "folder": os.fspath(Path.cwd()),
                "environment": dict(os.environ),
                "group": os.getpgrp(),
            }
        ).encode()
        socket.send_fds(connection, [len(request).to_bytes(SIZE, "big")], [0, 1, 2])
        connection.sendall(request)

        def forward(number: int, frame: FrameType | None) -> None:
            with suppress(OSError):  # what it is for has just ended
                connection.sendall(bytes([number]))

        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, forward)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it comes to the whole group by itself
        code = connection.recv(1)
    return code[0] if code else KILLED


def serve(address: str) -> None:
    """Run what is asked for at `address`, until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        for library in LIBRARIES:
            importlib.import_module(library)
        logging.root.handlers.clear()  # a library's: it would print what DVC says once more
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for a child
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> None:
    """Run what a client asks for, tell it the exit code, and end."""
    code = 1
    try:
        request = _receive(connection)
        threading.Thread(target=_obey, args=[connection], daemon=True).start()
        code = _run(request["program"], request["arguments"])
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code % 256]))
    os._exit(0)


def _receive(connection: socket.socket) -> dict[str, Any]:
    """Become what the client is: its files, folder, environment and process group."""
    size, files, _, _ = socket.recv_fds(connection, SIZE, 3)
    length, content = int.from_bytes(size, "big"), b""
    while len(content) < length:
        content += connection.recv(length - len(content))
    request: dict[str, Any] = json.loads(content)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.setpgid(0, request["group"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return request


def _run(program: str, arguments: list[str]) -> int:
    sys.argv = [program, *arguments]
    try:
        return importlib.import_module(PROGRAMS[program]).main(arguments) or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _obey(connection: socket.socket) -> None:
    """Pass the client's signals on, and die when it does."""
    while number := connection.recv(1):
        os.kill(os.getpid(), number[0])
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Serve, or run `dvc` with the arguments: what `autoencoders repro` starts."""
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
        return 0
    code = delegate("dvc", sys.argv[1:])
    return code if code is not None else _run("dvc", sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
