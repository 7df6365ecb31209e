"""A small imitation of the official files, and servers with faults."""

import errno
import functools
import hashlib
import io
import os
import pickle
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, MNIST, FashionMNIST

from autoencoders import files
from autoencoders.datasets import official
from autoencoders.datasets.raw_files import IDX_FILES, write_idx

Publish = Callable[..., None]
DATASETS = {"mnist": MNIST, "fashion_mnist": FashionMNIST, "cifar10": CIFAR10}


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Publish:
    """`publish(name, mirrors=…, resources=…)`: change attributes of torchvision's dataset."""

    def change(name: str, **changes: Any) -> None:
        for attribute, value in changes.items():
            monkeypatch.setattr(DATASETS[name], attribute, value)

    return change


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, publish: Publish) -> None:
    """Replace the official mirrors by an address that refuses connections."""
    refusing = f"http://127.0.0.1:{_free_port()}/"
    publish("mnist", mirrors=[refusing])
    publish("fashion_mnist", mirrors=[refusing])
    publish("cifar10", url=refusing + CIFAR10.filename)
    monkeypatch.setattr(official, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(official, "ANSWER_SECONDS", 1.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def mirror(tmp_path: Path, publish: Publish) -> Path:
    """A mirror's folder with 40 training and 20 test images per dataset, with matching MD5s."""
    root = tmp_path / "mirror"
    rng = np.random.default_rng(0)
    for name in ("mnist", "fashion_mnist"):
        folder = root / name.replace("_", "-")
        folder.mkdir(parents=True)
        for part, n in (("train", 40), ("t10k", 20)):
            images = rng.integers(0, 256, (n, 28, 28), np.uint8)
            write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
            write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(n, dtype=np.uint8) % 10)
        publish(name, resources=[(file, files.digest(folder / file, "md5")) for file in IDX_FILES])
    contents: dict[str, Any] = {"batches.meta": {"label_names": [*"abcdefghij"]}}
    for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list):
        images = rng.integers(0, 256, (10, 3072), np.uint8)
        contents[name] = {"data": images, "labels": list(range(10))}
    (root / "cifar-10").mkdir()
    write_cifar10(root / "cifar-10" / CIFAR10.filename, contents, publish)
    return root


def write_cifar10(archive: Path, contents: dict[str, Any], publish: Publish) -> None:
    """Write an archive of pickles, and publish it as the official CIFAR-10 file."""
    md5s = {}
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in contents.items():
            pickled = pickle.dumps(content)
            md5s[name] = hashlib.md5(pickled).hexdigest()
            member = tarfile.TarInfo(f"{CIFAR10.base_folder}/{name}")
            member.size = len(pickled)
            tar.addfile(member, io.BytesIO(pickled))
    publish(
        "cifar10",
        tgz_md5=files.digest(archive, "md5"),
        train_list=[(name, md5s[name]) for name, _ in CIFAR10.train_list],
        test_list=[(name, md5s[name]) for name, _ in CIFAR10.test_list],
        meta=CIFAR10.meta | {"md5": md5s["batches.meta"]},
    )


@pytest.fixture
def served(mirror: Path) -> Iterator[str]:
    """The URL of the same mirror over HTTP."""
    with _serve(mirror, _Quiet) as url:
        yield url


@pytest.fixture
def breaking(mirror: Path) -> Iterator[str]:
    """The URL of the same mirror over HTTP, with connections that end early."""
    with _serve(mirror, _Breaking) as url:
        yield url


@pytest.fixture
def stalling(mirror: Path) -> Iterator[str]:
    """The URL of the same mirror over HTTP, which stops after a few bytes of a file."""
    with _serve(mirror, _Stalling) as url:
        yield url


@contextmanager
def _serve(folder: Path, handler: type[SimpleHTTPRequestHandler]) -> Iterator[str]:
    for_folder: Any = functools.partial(handler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), for_folder)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class _Breaking(_Quiet):
    def copyfile(self, source: Any, outputfile: Any) -> None:
        outputfile.write(source.read()[:-5])


class _Stalling(_Quiet):
    def copyfile(self, source: Any, outputfile: Any) -> None:
        outputfile.write(source.read(5))
        time.sleep(2)


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def official_mirror() -> str:
    """The mirror with the real official files."""
    mirror = os.environ.get("DATASET_MIRROR")
    if not mirror:
        pytest.skip("set DATASET_MIRROR to test the official files")
    return mirror


@pytest.fixture
def unmappable(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file can be mapped into memory, as on some network file systems."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr("mmap.mmap", refuse)
