"""`python -m benchmarks.load mnist/denoise`: `autoencoders serve` under load.

50 clients send 20 requests each: 20 send images, 10 send images slowly, 10 disconnect during or
after the upload, and 10 send garbage. Each image's answer must equal the one without load.
"""

import argparse
import io
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from socket import create_connection
from statistics import median, quantiles
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image

from autoencoders.errors import UserError

CLIENTS = {"images": 20, "images, slowly": 10, "disconnections": 10, "garbage": 10}
REQUESTS = 20  # of each client
SIDE = 128  # pixels: height and width of the image
PIECES, PAUSE = 20, 0.1  # of a slow upload; seconds between two pieces
PATIENCE = 120  # seconds: an answer that is later counts as wrong
RECOVERY = 5  # seconds after the load until the memory is measured again


class Result(NamedTuple):
    """Whether the answer to a request was right, and the seconds until it was complete."""

    right: bool
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; return the exit code, 1 for a wrong answer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("variant", help="trained variant: DATASET/VARIANT")
    options = parser.parse_args(arguments)
    command = [sys.executable, "-m", "autoencoders", "serve", options.variant, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            printed = process.stdout.readline()
            if not printed:  # the command has printed its error
                return 1
            port = int(printed.split()[1].rpartition(":")[2])
            results, memory = measure(port, psutil.Process(process.pid), REQUESTS)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        finally:
            process.terminate()
    print(table(results))
    print(
        "\nMemory of the server: {:,.0f} MB before, {:,.0f} at most, {:,.0f} after".format(*memory)
    )
    return int(not all(result.right for kind in results.values() for result in kind))


def measure(
    port: int, server: psutil.Process, requests: int
) -> tuple[dict[str, list[Result]], tuple[float, float, float]]:
    """Return the results by the kind of client, and the server's memory in MB.

    The memory is that before the load, the largest, and that after it.

    Raises:
        UserError: the server does not process an image.
    """
    sent = upload(image())
    expected = exchange(port, [sent])
    if status(expected) != 200:
        raise UserError(f"the server answers an image with {expected[:500]!r}")
    memory = [server.memory_info().rss / 1e6]
    numbers = count()

    def run(kind: str) -> list[Result]:
        results = []
        for _ in range(requests):
            start = time.perf_counter()
            right = request(port, kind, next(numbers), sent, expected)
            results.append(Result(right, time.perf_counter() - start))
            memory.append(server.memory_info().rss / 1e6)
        return results

    with ThreadPoolExecutor(sum(CLIENTS.values())) as pool:
        clients = [(kind, pool.submit(run, kind)) for kind, n in CLIENTS.items() for _ in range(n)]
    results: dict[str, list[Result]] = {kind: [] for kind in CLIENTS}
    for kind, client in clients:
        results[kind] += client.result()
    time.sleep(RECOVERY)
    return results, (memory[0], max(memory), server.memory_info().rss / 1e6)


def request(port: int, kind: str, number: int, sent: bytes, expected: bytes) -> bool:
    """Send one request; return whether its answer is right, or for a disconnection True."""
    match kind:
        case "images":
            return body(exchange(port, [sent])) == body(expected)
        case "images, slowly":
            length = -(-len(sent) // PIECES)
            pieces = [sent[i : i + length] for i in range(0, len(sent), length)]
            return body(exchange(port, pieces)) == body(expected)
        case "disconnections":
            end = len(sent) // 2 if number % 2 else len(sent)
            exchange(port, [sent[:end]], reads=False)
            return True
    noise = np.random.default_rng(number).bytes(1000)
    garbage = (noise + b"\r\n\r\n", upload(noise), upload(noise, "/decode"), upload(image()[:-900]))
    return 400 <= status(exchange(port, [garbage[number % len(garbage)]])) < 500


def exchange(port: int, pieces: Sequence[bytes], reads: bool = True) -> bytes:
    """Send the pieces of a request; return the answer, empty if there is none."""
    try:
        with create_connection(("127.0.0.1", port), PATIENCE) as connection:
            for number, piece in enumerate(pieces):
                time.sleep(PAUSE if number else 0)
                connection.sendall(piece)
            return connection.makefile("rb").read() if reads else b""
    except OSError:
        return b""


def upload(content: bytes, path: str = "/apply") -> bytes:
    """Return an HTTP request with a body."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def status(answer: bytes) -> int:
    """Return the status of an answer, 0 if there is none."""
    return int(answer.split(maxsplit=2)[1]) if answer else 0


def body(answer: bytes) -> bytes:
    """Return the status and the content of an answer, without the other headers."""
    head, _, content = answer.partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0] + content


def image() -> bytes:
    """Return a grey PNG of noise."""
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    Image.fromarray(noise).save(stream, "PNG")
    return stream.getvalue()


def table(results: dict[str, list[Result]]) -> str:
    """Return the numbers of requests and their times as a table."""
    lines = ["| 50 clients | requests | right | median | 95 % | longest |", "|---|" + "---|" * 5]
    for kind, found in results.items():
        seconds = [result.seconds for result in found]
        times = (median(seconds), quantiles(seconds, n=20, method="inclusive")[-1], max(seconds))
        shown = " | ".join(f"{value:.2f} s" for value in times)
        right = sum(result.right for result in found)
        lines.append(f"| {CLIENTS[kind]}: {kind} | {len(found)} | {right} | {shown} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
