import io
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from types import SimpleNamespace
from typing import Any
from urllib.request import Request

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from autoencoders.application.find_variant import load
from autoencoders.application.network import Network
from autoencoders.application.tiling import Geometry
from autoencoders.commands import apply
from autoencoders.datasets.prepared import Prepared
from autoencoders.figures.plots.style import PALETTE
from autoencoders.images.picture import Floats
from autoencoders.serving import apply_image, queue, trained_content
from autoencoders.serving.content import Examples, Explorer, drawing_for, ready_examples
from autoencoders.serving.trained_content import create_examples
from autoencoders.variants.assembly import Assembled
from tests.saved import PARAMS, run, saved
from tests.serving.server import Stream, ask, loaded, post, refused, serving, stepping


@pytest.fixture
def upscaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve an upscaler for images of any size; yield its address."""
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28))
    with serving(*loaded("superres")) as address:
        yield address


@pytest.fixture
def trained_vae(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembled:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes(PARAMS.read_bytes())
    return saved("mnist", (1, 28, 28), "vae")


@pytest.fixture
def vae(trained_vae: Assembled) -> Iterator[str]:
    """Serve a variant for one size, with two latent dimensions; yield its address."""
    with serving(*loaded("vae")) as address:
        yield address


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


# --- apply


def test_the_answer_is_the_output_of_the_command_apply(upscaler: str) -> None:
    Path("a.png").write_bytes(file(Image.fromarray(noise(33, 47, 3))))
    for options, query in (([], {}), (["--colour", "luma"], {"colour": "luma"})):
        assert run(apply, "apply", "mnist/superres", "a.png", "--to", "out", *options)[1] == []
        status, kind, content = post(f"{upscaler}/apply", Path("a.png").read_bytes(), **query)
        assert (status, kind) == (200, "image/png")
        with Image.open("out/a-superres.png") as expected, opened(content) as image:
            assert (image.format, image.mode) == ("PNG", expected.mode)
            np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))


GREY, DEEP = Image.fromarray(noise(8, 6)), Image.fromarray(noise(8, 6).astype(np.uint16) * 257)
CLEAR = Image.fromarray(noise(8, 6, 4))
TURNED = Image.Exif()
TURNED[274] = 6  # a quarter turn
FILES = {
    "grey": (file(GREY), "PNG", "L", (12, 16)),
    "1×1": (file(Image.new("L", (1, 1))), "PNG", "L", (2, 2)),
    "1×5000": (file(Image.new("L", (1, 5000))), "PNG", "L", (2, 10000)),
    "CMYK": (file(Image.new("CMYK", (6, 8)), "JPEG"), "JPEG", "RGB", (12, 16)),
    "palette, clear": (
        file(Image.fromarray(noise(8, 6, 3)).quantize(9), transparency=0),
        *("PNG", "RGBA", (12, 16)),
    ),
    "16 bits": (file(DEEP), "PNG", "I;16", (12, 16)),
    "floats": (file(Image.new("F", (6, 8), 0.5), "TIFF"), "TIFF", "F", (12, 16)),
    "turned": (file(GREY, "JPEG", exif=TURNED), "JPEG", "L", (16, 12)),
    "WebP": (file(CLEAR, "WEBP", lossless=True), "WEBP", "RGBA", (12, 16)),
    "GIF": (file(GREY, "GIF"), "PNG", "RGB", (12, 16)),
    "BMP": (file(GREY, "BMP"), "PNG", "L", (12, 16)),
}


@pytest.mark.parametrize("name", FILES)
def test_outputs_have_the_format_and_mode_of_the_input(name: str, upscaler: str) -> None:
    sent, kind, mode, size = FILES[name]
    status, media_type, content = post(f"{upscaler}/apply", sent)
    assert (status, media_type) == (200, f"image/{kind.lower()}"), content
    with opened(content) as image:
        assert (image.format, image.size) == (kind, size)
        assert image.mode in (mode, "L")  # a grey palette is grey


@pytest.mark.parametrize(
    ("name", "kind"),
    [(kind, kind) for kind in ("png", "jpeg", "webp", "tiff")]
    + [("PNG", "png"), ("jpg", "jpeg"), ("JPG", "jpeg"), (".Tif", "tiff"), ("WebP", "webp")],
)
def test_format_sets_the_output_format(name: str, kind: str, upscaler: str) -> None:
    for path in ("apply", "convert"):
        status, media_type, content = post(f"{upscaler}/{path}", file(GREY), format=name)
        assert (status, media_type) == (200, f"image/{kind}")
        with opened(content) as image:
            assert image.format == kind.upper()


def test_another_size_is_an_error_or_resampled(vae: str) -> None:
    status, detail = refused(post(f"{vae}/apply", file(GREY)))
    assert status == 422
    assert detail.startswith("6×8 pixels; this variant takes 28×28; resize it, or give --resize")
    status, _, content = post(f"{vae}/apply", file(GREY), resize="true")
    assert status == 200
    with opened(content) as image:
        assert image.size == (28, 28)


# --- errors


def header(width: int, height: int) -> bytes:
    """Return a PNG with a size in its header and no pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    size = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b""))


FRAMES = [Image.new("L", (4, 4), grey) for grey in (0, 255)]
REFUSED: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "a text": (b"no image", {}, 422, "cannot be read as an image (damaged, or in a format"),
    "nothing": (b"", {}, 422, "cannot be read as an image (the file is empty)"),
    "torn": (file(Image.fromarray(noise(90, 90)), "JPEG")[:900], {}, 422, "truncated"),
    "a bomb": (header(60000, 60000), {}, 413, "cannot be read as an image (Image size"),
    "too many pixels": (header(6000, 6000), {}, 413, "6000×6000 pixels; allowed: up to 25 million"),
    "animated": (
        file(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
        *({}, 422, "contains several frames; save one frame"),
    ),
    "clear as JPEG": (file(CLEAR), {"format": "jpeg"}, 422, "has transparent pixels, which JPEG"),
    "format": (file(GREY), {"format": "bmp"}, 422, "found 'bmp'; allowed: 'png', 'jpeg'"),
    "colour": (file(GREY), {"colour": "red"}, 422, "colour: found 'red'; allowed: 'channels'"),
    "progress": (file(GREY), {"progress": "2"}, 422, "progress: found '2'; allowed: true or false"),
    "unknown": (
        *(file(GREY), {"formt": "webp"}, 422),
        "query parameter: found 'formt'; did you mean 'format'?",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_one_line(name: str, upscaler: str) -> None:
    sent, query, expected, reason = REFUSED[name]
    status, detail = refused(post(f"{upscaler}/apply", sent, **query))
    assert status == expected
    assert reason in detail
    assert len(detail.splitlines()) == 1


def test_a_form_is_refused(upscaler: str) -> None:
    form = Request(f"{upscaler}/apply", b"--x", {"Content-Type": "multipart/form-data; boundary=x"})
    assert refused(ask(form)) == (
        415,
        "found a form; allowed: the file as the body, as `curl --data-binary @image.png` sends it",
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_with_too_many_bytes_is_refused(
    chunked: bool, upscaler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = bytes(apply_image.MAX_BYTES + 1)
    body: Any = iter([sent[: 2**24], sent[2**24 :]]) if chunked else sent
    status, detail = refused(post(f"{upscaler}/apply", body))
    assert (status, detail) == (413, f"found {len(sent)} bytes; allowed: 32 MiB")
    assert post(f"{upscaler}/apply", file(GREY))[0] == 200


def test_an_incomplete_or_slow_upload_is_no_internal_error(
    upscaler: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host, port = upscaler.removeprefix("http://").split(":")
    request = f"POST /apply HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nhalf".encode()
    with socket.create_connection((host, int(port))) as torn:
        torn.sendall(request)
    monkeypatch.setattr(queue, "UPLOAD_SECONDS", 0.1)
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(request)
        assert b" 408 " in slow.recv(1000)
    assert post(f"{upscaler}/apply", file(GREY))[0] == 200
    assert capsys.readouterr().err == ""


def test_an_upscaler_takes_fewer_pixels() -> None:
    assert [apply_image.max_pixels(factor) for factor in (1, 2, 4)] == [25e6, 25e6, 6.25e6]


@pytest.mark.usefixtures("upscaler")
def test_requests_of_pages_of_other_servers_are_refused() -> None:
    with serving(loaded("superres")[0], "nothing", ["127.0.0.1"]) as address:
        for origin, expected in (
            (address, 200),
            ("http://evil.example", 403),
            ("http://127.0.0.1:1", 403),
            ("null", 403),
            ("http://[", 403),
        ):
            sent = Request(f"{address}/apply", file(GREY), {"Origin": origin})
            assert ask(sent)[0] == expected, origin


def test_an_internal_error_is_answered_and_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(tile: Floats, exact: bool) -> Floats:
        raise ZeroDivisionError

    broken = Network("b", "a/b", (1, 6, 8), (1, 6, 8), run, Geometry(1, 0))
    with serving(broken, "nothing") as address:
        status, detail = refused(post(f"{address}/apply", file(GREY)))
    assert (status, detail[:32]) == (500, "internal error (ZeroDivisionErro")
    assert capsys.readouterr().err.startswith("warning: POST /apply: internal error (Zero")


# --- progress and conversion


def test_progress_has_the_share_and_the_place_in_the_queue() -> None:
    turns = Semaphore(0)
    large = file(Image.new("L", (1024, 1024)))  # 4 tiles
    with serving(stepping(turns), "nothing") as address:
        streams = []
        for before in range(3):
            streams.append(Stream(address, large))
            streams[-1].until(before=before, share=0)
        turns.release(3)
        streams[0].until(before=0, share=0.75)
        streams[2].until(before=2, share=0)
        turns.release(99)
        for stream in streams:
            line, content = stream.end()
            assert line == {"bytes": len(content), "type": "image/png"}
            assert content == post(f"{address}/apply", large)[2]


@pytest.mark.parametrize(
    ("channels", "query", "tiles"), [(1, {}, 12), (1, {"colour": "luma"}, 4), (3, {}, 4)]
)
def test_the_share_counts_the_tiles_of_every_separate_channel(
    channels: int, query: dict[str, str], tiles: int
) -> None:
    turns = Semaphore(tiles - 1)
    large = file(Image.new("RGB", (1024, 1024)))
    with serving(stepping(turns, (channels, 6, 8)), "nothing") as address:
        stream = Stream(address, large, **query)
        stream.until(before=0, share=(tiles - 1) / tiles)
        turns.release()
        assert stream.end()[0]["type"] == "image/png"


def test_an_error_is_the_last_line_of_a_stream(vae: str) -> None:
    for sent, detail in (
        (b"no image", "cannot be read as"),
        (file(GREY), "6×8 pixels; this variant"),
    ):
        line, content = Stream(vae, sent).end()
        assert (line["status"], line["detail"][: len(detail)], content) == (422, detail, b"")
    assert line["mend"] == "resize"
    assert refused(post(f"{vae}/apply", b"", progress="true", formt="png"))[0] == 422


def test_an_output_is_converted_without_a_second_computation() -> None:
    turns = Semaphore(1)
    sent = file(CLEAR.convert("RGB").resize((30, 40)))
    with serving(stepping(turns, (3, 6, 8)), "nothing") as address:
        output = post(f"{address}/apply", sent, format="png")[2]
        for kind in ("jpeg", "webp", "tiff", "png"):
            status, media_type, content = post(f"{address}/convert", output, format=kind)
            assert (status, media_type) == (200, f"image/{kind}")
            turns.release()
            assert content == post(f"{address}/apply", sent, format=kind)[2]


def test_errors_of_conversions() -> None:
    with serving(stepping(Semaphore(1), (3, 6, 8)), "nothing") as address:
        output = post(f"{address}/apply", file(CLEAR))[2]
        for sent, *expected in ((output, 422, "has trans"), (header(6000, 6000), 413, "6000×6000")):
            status, reason = refused(post(f"{address}/convert", sent, format="jpeg"))
            assert [status, reason[:9]] == expected


# --- concurrent requests


@pytest.mark.parametrize("path", ["/apply", "/apply?progress=true"])
def test_a_disconnected_client_stops_its_computation(path: str) -> None:
    started: list[int] = []

    def run(tile: Floats, exact: bool) -> Floats:
        started.append(len(tile))
        time.sleep(0.3)
        return tile

    slow = Network("s", "a/s", (1, 6, 8), (1, 6, 8), run, Geometry(1, 0))
    large = file(Image.new("L", (4000, 4000)))  # 64 tiles
    with serving(slow, "nothing") as address:
        host, port = address.removeprefix("http://").split(":")
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(large)}\r\n\r\n"
        with socket.create_connection((host, int(port))) as gone:
            gone.sendall(head.encode() + large)
            while not started:
                time.sleep(0.01)
        assert post(f"{address}/apply", file(GREY))[0] == 200
    assert len(started) < 32


@pytest.mark.slow
def test_200_requests_at_once_are_all_answered(upscaler: str) -> None:
    images = [file(Image.new("L", (9, 9), grey)) for grey in range(200)]

    def answer(sent: bytes) -> tuple[int, bytes]:
        status, _, content = post(f"{upscaler}/apply", sent)
        return status, content

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(answer, images))
    assert {status for status, _ in answers} == {200}
    assert answers[7] == answer(images[7]), "each has its own answer"
    assert answers[7] != answers[190]


# --- latents


@torch.no_grad()
def test_a_latent_is_decoded(vae: str, trained_vae: Assembled) -> None:
    status, kind, content = post(f"{vae}/decode", {"latent": [0.5, -1]})
    assert (status, kind) == (200, "image/png")
    expected = trained_vae.model.decode(torch.tensor([[0.5, -1]])).sigmoid()[0, 0] * 255
    with opened(content) as image:
        assert np.abs(np.asarray(image) - expected.numpy()).max() <= 0.51


@pytest.mark.parametrize(
    "body",
    [
        {"latent": [1.0]},
        {"latent": [1.0, 2.0, 3.0]},
        {"latent": [1.0, float("nan")]},
        {"latent": [1e39, 1.0]},
        {"latent": ["a", 1.0]},
        {},
        [1.0, 2.0],
        b"no JSON",
    ],
)
def test_an_invalid_latent_is_refused(body: Any, vae: str) -> None:
    answer = refused(post(f"{vae}/decode", body))
    assert answer == (422, 'body: allowed: {"latent": […]} with 2 finite numbers')


def test_a_latent_without_finite_output_is_refused(
    vae: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, detail = refused(post(f"{vae}/decode", {"latent": [3e38, -3e38]}))
    assert (status, detail) == (
        422,
        "the decoder has no finite output for this latent: use smaller values",
    )
    assert capsys.readouterr().err == ""


@torch.no_grad()
def test_an_image_is_encoded(vae: str, trained_vae: Assembled) -> None:
    image = noise(28, 28)
    status, _, content = post(f"{vae}/encode", file(Image.fromarray(image)))
    assert status == 200
    expected = trained_vae.model.encode(torch.from_numpy(image / 255).float()[None, None])[0]
    np.testing.assert_allclose(json.loads(content)["latent"], expected.numpy(), atol=1e-5)


def test_an_image_of_another_size_is_encoded_with_resize(vae: str) -> None:
    status, detail = refused(post(f"{vae}/encode", file(GREY)))
    assert status == 422
    assert detail.startswith("6×8 pixels; this variant takes 28×28; resize it, or give --resize")
    status, _, content = post(f"{vae}/encode", file(GREY), resize="true")
    assert (status, len(json.loads(content)["latent"])) == (200, 2)


def latent(address: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(ask(f"{address}/latent")[2])
    return content


def test_the_bounds_of_a_plane_are_quantiles_of_its_prior(vae: str) -> None:
    found = latent(vae)
    assert (found["size"], found["start"], found["points"]) == (2, [0, 0], [])
    for index, axis in enumerate(found["axes"]):
        assert axis["index"] == index
        assert (axis["low"], axis["high"]) == pytest.approx((-2.576, 2.576), abs=1e-3)


@pytest.fixture
def training_images(monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor]) -> Tensor:
    """Replace the prepared training images."""
    images = blobs(40, (1, 28, 28))
    metadata = SimpleNamespace(class_names=("round", "square"))
    monkeypatch.setattr(Prepared, "images", lambda prepared, split: images)
    monkeypatch.setattr(Prepared, "labels", lambda prepared, split: torch.arange(40) % 2)
    monkeypatch.setattr(Prepared, "metadata", metadata)
    return images


@pytest.mark.usefixtures("training_images")
def test_the_plane_has_the_codes_of_training_images(vae: str) -> None:
    found = latent(vae)
    assert np.shape(found["points"]) == (40, 2)
    assert found["start"] == found["points"][0]
    assert (found["classes"][:2], found["class_names"]) == ([0, 1], ["round", "square"])
    assert found["colours"] == list(PALETTE[:2]), "as in the figures"


@torch.no_grad()
@pytest.mark.usefixtures("training_images")
def test_the_dimensions_that_change_the_image_most_have_axes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28), "aae")
    found = loaded("aae")[1]
    assert isinstance(found, Explorer)
    assert len(found.start) == 150
    assert len({axis.index for axis in found.axes}) == trained_content.SLIDERS

    def change(index: int) -> float:
        moved = np.array([found.start, found.start], np.float32)
        moved[1, index] += 2.5
        return float(np.square(np.diff(found.coder.decode(moved), axis=0)).mean())

    others = set(range(150)) - {axis.index for axis in found.axes}
    assert change(found.axes[0].index) > np.mean([change(index) for index in others])


@pytest.mark.usefixtures("training_images")
def test_without_a_prior_the_bounds_are_those_of_the_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28), "ae2d")
    found = loaded("ae2d")[1]
    assert isinstance(found, Explorer)
    assert found.codes is not None
    for axis in found.axes:
        inside = found.codes.latents[:, axis.index]
        assert inside.min() <= axis.low < axis.high <= inside.max()


def test_without_an_explorer_the_answer_has_the_reason(upscaler: str) -> None:
    assert latent(upscaler) == {
        "why_not": "the latents of this variant are feature maps of 8×4×4 numbers, not vectors"
    }
    assert post(f"{upscaler}/decode", {"latent": [1.0]})[0] == 404


# --- examples


@pytest.mark.usefixtures("training_images")
def test_examples_are_test_images_as_the_encoder_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved("mnist", (1, 28, 28))
    inputs, _ = load("mnist/superres").first_test_pairs(5)
    with serving(*loaded("superres"), examples=create_examples(load("mnist/superres"))) as address:
        found = json.loads(ask(f"{address}/examples")[2])
        assert found["count"] == 5
        assert np.shape(found["drawing"]["matrix"]) == (14, 28)
        for number in range(5):
            _, kind, content = ask(f"{address}/examples/{number + 1}")
            assert kind == "image/png"
            pixels = np.asarray(opened(content)) / 255
            np.testing.assert_allclose(pixels, inputs[number, 0], atol=0.5 / 255 + 1e-6)
        for number in (0, 6):
            answer = refused(ask(f"{address}/examples/{number}"))
            assert answer == (422, f"number: found {number}; allowed: 1 to 5")


def test_without_prepared_images_there_are_no_examples(vae: str, trained_vae: Assembled) -> None:
    drawing = {"matrix": None, "mean": 0.0, "std": 0.0, "clamp": True}
    assert create_examples(load("mnist/vae")) == Examples((), drawing)
    assert json.loads(ask(f"{vae}/examples")[2]) == {"count": 0, "drawing": None}
    assert refused(ask(f"{vae}/examples/1")) == (422, "number: found 1; allowed: none")


def test_a_ready_network_has_examples_in_the_package() -> None:
    for name, shape in (("mnist_superres", (1, 14, 14)), ("fashion_mnist_vae", (1, 28, 28))):
        examples = ready_examples(name)
        assert [picture.planes.shape for picture in examples.pictures] == [shape] * 5
        assert len({picture.planes.tobytes() for picture in examples.pictures}) == 5
        assert examples.drawing is not None


def test_only_networks_for_grey_images_of_28_pixels_get_drawings() -> None:
    assert drawing_for((3, 28, 28), {"kind": "clean"}) is None
    assert drawing_for((1, 32, 32), {"kind": "clean"}) is None


# --- openapi.json and the page


def test_openapi_lists_all_addresses(vae: str) -> None:
    described = json.loads(ask(f"{vae}/openapi.json")[2])
    paths = (
        "about",
        "apply",
        "convert",
        "latent",
        "decode",
        "encode",
        "examples",
        "examples/{number}",
    )
    assert set(described["paths"]) == {f"/{path}" for path in paths}
    body = described["paths"]["/apply"]["post"]["requestBody"]["content"]
    assert body == {"image/*": {"schema": {"type": "string", "format": "binary"}}}


def test_the_page_has_no_links_to_other_servers(upscaler: str) -> None:
    for path in ("/", "/page.css", "/common.css", "/page.js", "/drawing.js", "/plane.js"):
        status, _, content = ask(f"{upscaler}{path}")
        assert status == 200
        assert b"//" not in content.replace(b"// ", b""), path
