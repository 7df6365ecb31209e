"""The page of `autoencoders page` in a browser: it computes what PyTorch computes."""

import functools
import shutil
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from autoencoders.application.find_variant import load
from autoencoders.commands import page as command
from autoencoders.datasets.prepared import Prepared
from autoencoders.trained.variant import Trained
from tests.browser import chromium, needs_chromium
from tests.saved import run, saved

pytestmark = [
    *needs_chromium,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]
VARIANTS = ("vae", "denoise", "superres", "photo_superres_2x")
ZIGZAG = [(0.25, 0.2), (0.8, 0.25), (0.3, 0.75), (0.7, 0.8)]  # shares of the drawing area


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write the page for untrained variants and random test images; npm fetches the runtime."""
    images = torch.randint(0, 256, (30, 1, 28, 28), dtype=torch.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("repository"))
        patch.setattr(Prepared, "images", lambda prepared, split: images)
        patch.setattr(Prepared, "labels", lambda prepared, split: torch.arange(30) % 3)
        patch.setattr(Prepared, "metadata", SimpleNamespace(class_names=("a", "b", "c")))
        for name in VARIANTS:
            saved("mnist", (1, 28, 28), name)
        names = [f"mnist/{name}" for name in VARIANTS]
        assert run(command, "page", *names, "--to", "site")[1] == []
        yield Path("site").absolute()


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(address)
    expect(page.locator("#status")).to_have_text("", timeout=30_000)
    yield page
    page.close()
    assert [url for url in urls if not url.startswith(address)] == []


def draw(page: Page) -> None:
    page.locator(".drawing").scroll_into_view_if_needed()
    box = page.locator(".drawing").bounding_box()
    assert box is not None
    for step, (x, y) in enumerate(ZIGZAG):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if step == 0:
            page.mouse.down()
    page.mouse.up()


def results(page: Page) -> list[dict[str, Any]]:
    """Return the latest numbers of all networks, after all of them have finished."""
    page.wait_for_function("import('./index.js').then(({ isIdle }) => isIdle())")
    found: list[dict[str, Any]] = page.evaluate(
        """async () => (await import("./index.js")).networks.map((network) => Object.fromEntries(
          ["name", "seen", "latent", "made", "code", "point", "decoded"].map((key) =>
            [key, ArrayBuffer.isView(network[key]) ? Array.from(network[key]) : network[key]])))"""
    )
    return found


def column(network: dict[str, Any], key: str, *shape: int) -> torch.Tensor:
    return torch.tensor(network[key]).reshape(1, *shape)


def require_equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-3, rtol=0)


@torch.no_grad()
def test_networks_compute_the_same_as_in_pytorch(page: Page) -> None:
    draw(page)
    for network in results(page):
        trained = load(network["name"])
        seen = column(network, "seen", *trained.input_shape)
        require_equal(column(network, "made", 1, 28, 28), trained.model(seen))
        if not trained.latent_holds_input:
            latent = column(network, "latent", *trained.latent_shape)
            require_equal(latent, trained.model.encode(seen))


def test_a_drawing_is_centred_and_scaled_as_in_mnist(page: Page) -> None:
    draw(page)
    pixels = np.array(results(page)[0]["seen"]).reshape(28, 28)
    rows, columns = np.nonzero(pixels > 0.2)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
    centres = (np.arange(28) + 0.5) @ pixels / pixels.sum(), (np.arange(28) + 0.5) @ pixels.T
    assert centres[0].sum() == pytest.approx(14, abs=0.1)
    assert centres[1].sum() / pixels.sum() == pytest.approx(14, abs=0.1)
    levels = pixels[(pixels > 0.05) & (pixels < 0.95)]
    assert len(levels) > 20, "edges are antialiased"


def test_each_network_gets_the_input_of_its_training(page: Page) -> None:
    draw(page)
    vae, denoise, superres, _ = (np.array(network["seen"]) for network in results(page))
    noise = (denoise - vae)[vae == 0]
    assert 0.4 < noise.mean() < 0.6
    assert noise.std() > 0.15
    smaller = torch.nn.functional.interpolate(
        torch.tensor(vae).reshape(1, 1, 28, 28), (14, 14), mode="bilinear", antialias=True
    )
    np.testing.assert_allclose(superres.reshape(14, 14), smaller[0, 0], atol=1e-5)


def test_sliders_add_noise_and_blur(page: Page) -> None:
    draw(page)
    before = np.array(results(page)[0]["seen"])
    page.get_by_label("Blur").fill("2")
    blurred = np.array(results(page)[0]["seen"])
    assert blurred.max() < before.max()
    assert blurred.sum() == pytest.approx(before.sum(), rel=0.02)
    page.get_by_label("Noise").fill("0.5")
    noisy = np.array(results(page)[0]["seen"])
    assert (noisy - blurred).std() > 0.2
    expect(page.locator("#sliders")).to_contain_text("0.50")


def trained_point(trained: Trained, network: dict[str, Any]) -> torch.Tensor:
    return trained.decode(column(network, "point", 2))


@torch.no_grad()
def test_a_click_on_the_plane_shows_its_decoded_image(page: Page) -> None:
    (vae, *_) = results(page)
    assert vae["code"] == pytest.approx(vae["latent"], abs=1e-6), "the plane is the latent"
    assert vae["point"] == vae["code"], "the circle starts at the drawing"
    plane = page.locator(".latent-plane").first
    plane.scroll_into_view_if_needed()
    plane.tap(position={"x": 40, "y": 60})
    (moved, *_) = results(page)
    assert moved["point"] != vae["point"]
    assert moved["code"] == vae["code"]
    require_equal(column(moved, "decoded", 1, 28, 28), trained_point(load("mnist/vae"), moved))
    plane.focus()
    page.keyboard.press("ArrowLeft")
    assert results(page)[0]["point"][0] < moved["point"][0]
    expect(page.locator(".near figcaption").first).to_contain_text("nearest test image: ")


def test_a_test_image_replaces_the_drawing(page: Page) -> None:
    button = page.get_by_role("button", name="Test image: b")
    button.first.press("Enter")
    expected = Prepared(Path("data/prepared/mnist")).images("test")[1].flatten() / 255
    np.testing.assert_allclose(results(page)[0]["seen"], expected, atol=1e-6)
    page.get_by_role("button", name="Clear").click()
    assert max(results(page)[0]["seen"]) == 0


@pytest.mark.parametrize("width", [320, 1200])
def test_the_page_is_not_wider_than_the_screen(width: int, page: Page) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_opened_as_a_file_the_page_says_how_to_serve_it(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    expect(page.locator("#unserved")).to_be_visible()
    expect(page.locator("#unserved")).to_contain_text("python -m http.server -d site")
    expect(page.locator("#main")).to_be_hidden()
    page.close()
