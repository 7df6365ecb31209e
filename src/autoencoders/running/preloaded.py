"""Commands in forks of a process that has already imported the heavy libraries.

Importing torch, MLflow and DVC takes longer than many stages compute. `serve` imports them once and
forks for each command. `delegate` sends a command to this server and waits for its exit code. The
server does not import this package, so each fork runs the present code of the repository.
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

ADDRESS = "AUTOENCODERS_PRELOADED"  # environment variable with the path of the server's socket
SUPPORTED = sys.platform == "linux"  # libraries of macOS may crash after a fork
# Modules that stages import late; an optimiser's first step imports torch._dynamo.
LIBRARIES = (
    "dvc.cli",
    "dvc.commands.repro",
    "dvc.repo",
    "matplotlib.pyplot",
    "mlflow.pytorch",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "onnxscript",
    "pandas",
    "pydantic",
    "sklearn.mixture",
    "torch._dynamo",
    "torch.export._trace",
    "torch.onnx._internal.exporter._torchlib.ops",
)
PROGRAMS = {"autoencoders": "autoencoders.cli", "dvc": "dvc.cli"}  # name → module with `main`
LENGTH_BYTES = 8  # of the integer that precedes a request
KILLED = 128 + 9  # exit code of a killed command, as in shells


def delegate(program: str, arguments: Sequence[str]) -> int | None:
    """Run a program in a fork of the server and return its exit code; None without a server."""
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
        socket.send_fds(connection, [len(request).to_bytes(LENGTH_BYTES, "big")], [0, 1, 2])
        connection.sendall(request)

        def forward(number: int, frame: FrameType | None) -> None:
            with suppress(OSError):  # the command has just ended
                connection.sendall(bytes([number]))

        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, forward)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the fork is in this process group
        code = connection.recv(1)
    return code[0] if code else KILLED


def serve(address: str) -> None:
    """Run the commands that are sent to `address`, until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        for library in LIBRARIES:
            importlib.import_module(library)
        logging.root.handlers.clear()  # a library's handler would repeat DVC's messages
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the server never waits for its children
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _run_request(connection)
            connection.close()


def _run_request(connection: socket.socket) -> None:
    """Run the command of a client, send it the exit code, and end the process."""
    code = 1
    try:
        request = _receive(connection)
        threading.Thread(target=_forward_signals, args=[connection], daemon=True).start()
        code = _run(request["program"], request["arguments"])
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code % 256]))
    os._exit(0)


def _receive(connection: socket.socket) -> dict[str, Any]:
    """Adopt the client's open files, folder, environment and process group; return the request."""
    header, files, _, _ = socket.recv_fds(connection, LENGTH_BYTES, 3)
    length, content = int.from_bytes(header, "big"), b""
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


def _forward_signals(connection: socket.socket) -> None:
    """Forward the client's signals to this process; kill this process when the client ends."""
    while number := connection.recv(1):
        os.kill(os.getpid(), number[0])
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Serve, or run `dvc` with the arguments; `autoencoders repro` starts both."""
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
        return 0
    code = delegate("dvc", sys.argv[1:])
    return code if code is not None else _run("dvc", sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
