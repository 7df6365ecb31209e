"""A small imitation of the official files, and ways to serve them badly."""

import functools
import os
import socket
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoencoders import files
from autoencoders.data import cifar, fetched, official
from autoencoders.data.datasets import CIFAR10, FASHION_MNIST, MNIST
from autoencoders.data.idx import write_idx
from tests.data.archives import pickled, write_cifar


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves this machine: torchvision's mirrors refuse, and proxies are ignored."""
    from torchvision import datasets

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    nobody = [f"http://127.0.0.1:{_free_port()}/"]
    monkeypatch.setattr(datasets.MNIST, "mirrors", nobody)
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", nobody)
    monkeypatch.setattr(datasets.CIFAR10, "url", nobody[0] + datasets.CIFAR10.filename)
    monkeypatch.setattr(official, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(official, "ANSWER_SECONDS", 1.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror's folder with 40 training and 20 test images per dataset, published as official."""
    from torchvision import datasets

    root = tmp_path / "mirror"
    rng = np.random.default_rng(0)
    for dataset, published in ((MNIST, datasets.MNIST), (FASHION_MNIST, datasets.FashionMNIST)):
        folder = root / dataset.folder
        folder.mkdir(parents=True)
        for part, n in (("train", 40), ("t10k", 20)):
            images = rng.integers(0, 256, (n, 28, 28), np.uint8)
            write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
            write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(n, dtype=np.uint8) % 10)
        resources = [(name, files.digest(folder / name, "md5")) for name in fetched.IDX_FILES]
        monkeypatch.setattr(published, "resources", resources)
    (root / CIFAR10.folder).mkdir()
    archive = root / CIFAR10.folder / cifar.ARCHIVE
    images = rng.integers(0, 256, (60, 3072), np.uint8)
    batches = zip((*cifar.TRAIN, *cifar.TEST), images.reshape(6, 10, 3072), strict=True)
    write_cifar(archive, {name: pickled(part, list(range(10))) for name, part in batches})
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", files.digest(archive, "md5"))
    return root


@pytest.fixture
def served(mirror: Path) -> Iterator[str]:
    """The same mirror over HTTP: its URL."""
    handler: Any = functools.partial(_Quiet, directory=str(mirror))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word: its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def official_mirror() -> str:
    """Where the official files themselves are."""
    mirror = os.environ.get("DATASET_MIRROR")
    if not mirror:
        pytest.skip("set DATASET_MIRROR to test the official files")
    return mirror
