"""The page in use: by mouse, by keyboard, by touch, and without scripts."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from autoencoders.figures.section import FigureFile, LatentPlane, Sheet
from autoencoders.report.page import render
from autoencoders.report.results import DatasetResults, VariantResult
from tests.browser import chromium, needs_chromium
from tests.report import made

pytestmark = needs_chromium

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CELLS = 4  # of the plane, each 2×2 pixels and brighter than the one before
PLANE = LatentPlane(
    z1=(-2, 2),
    z2=(-4, 4),
    size=(2, 2),
    decoded=Sheet("planes/decoded.png", CELLS, CELLS),
    originals=Sheet("planes/originals.png", 2, 2),
    points=[(0.1, 0.1, 0, 0), (0.9, 0.1, 1, 1), (0.5, 0.9, 1, 2)],
    classes=["cat", "dog"],
    colours=["#3f90da", "#ffa90e"],
    legend=[("cat", "#3f90da"), ("dog", "#ffa90e")],
)
DECODED = [10 * number for number in range(CELLS**2)]
ORIGINALS = [200, 220, 240, 0]


def section(name: str, metrics: dict[str, float], **others: Any) -> VariantResult:
    captions = ["Reconstructions", *(["Samples"] if name == "vae" else [])]
    pictures = [FigureFile(f"{name}-{caption}.png", caption) for caption in captions]
    yardsticks = {"mean_image": {"mse": 0.07}, "pca": {"mse": 0.02}}
    return made.variant(name, metrics, yardsticks, pictures=pictures, **others)


VARIANTS = [
    section("conv", {"mse": 0.01, "psnr": 20.0, "probe_accuracy": 0.9}),
    section("vae", {"mse": 0.002, "psnr": 20.0, "elbo": -100.0}, plane=PLANE),
    section("conv_vae", {"mse": 0.1, "psnr": 9.0, "elbo": -20.0}),
]


def squares(levels: list[int]) -> Image.Image:
    """Return a square sheet of images of 2×2 pixels, each of one level."""
    side = round(len(levels) ** 0.5)
    cells = np.array(levels, np.uint8).reshape(side, side)
    return Image.fromarray(cells.repeat(2, axis=0).repeat(2, axis=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    (folder / "planes").mkdir()
    squares(DECODED).save(folder / "planes/decoded.png")
    squares(ORIGINALS).save(folder / "planes/originals.png")
    (folder / "overview").mkdir()
    letters = made.dataset(VARIANTS[0], dataset="letters", title="LETTERS")
    datasets = [DatasetResults("mnist", VARIANTS), letters]
    pictures = [picture for variant in VARIANTS for picture in variant.section.pictures]
    for picture in [*pictures, *(picture for one in datasets for picture in one.pictures)]:
        Image.new("L", (1200, 400), 200).save(folder / picture.path)
    (folder / "index.html").write_text(render(datasets), "utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def opened(browser: Browser, folder: Path, **context: Any) -> Page:
    """Open the page from the file system; whatever its script complains of fails the test."""
    page = browser.new_context(**context).new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("requestfailed", lambda request: pytest.fail(f"{request.url} is missing"))
    page.goto((folder / "index.html").as_uri())
    return page


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    page = opened(browser, folder)
    yield page
    page.context.close()


@pytest.fixture
def phone(browser: Browser, folder: Path) -> Iterator[Page]:
    page = opened(browser, folder, **PHONE)
    yield page
    page.context.close()


def table(page: Page) -> Locator:
    return page.get_by_role("region", name="Images, MNIST").get_by_role("table")


def rows(page: Page) -> list[str]:
    """Return the names of the rows that are seen of the first table."""
    names = table(page).locator("tbody tr:visible th").all_inner_texts()
    return [name.strip() for name in names]


def networks(page: Page) -> list[str]:
    return [name for name in rows(page) if name not in ("mean image", "pca")]


def header(page: Page, label: str) -> Locator:
    return table(page).get_by_role("button", name=re.compile(f"^{label}"))


def direction(page: Page, label: str) -> str | None:
    return header(page, label).locator("xpath=..").get_attribute("aria-sort")


def level(window: Locator) -> int:
    """Return the grey in the middle of what a window shows."""
    window.locator("img").evaluate("image => image.decode()")
    picture = Image.open(io.BytesIO(window.screenshot())).convert("L")
    return int(np.asarray(picture)[picture.height // 2, picture.width // 2])


def plane(page: Page) -> Locator:
    return page.get_by_role("application", name="MNIST · vae: the latent plane")


def windows(page: Page) -> tuple[Locator, Locator]:
    """Return the window on what is decoded, and the one on a test image."""
    found = page.locator(".plane .window")
    return found.nth(0), found.nth(1)


def at(drawing: Locator, x: float, y: float) -> Any:
    box = drawing.bounding_box()
    assert box is not None
    return {"x": x * box["width"], "y": y * box["height"]}


def test_a_header_sorts_networks_with_their_yardsticks_beneath_them(page: Page) -> None:
    as_written = rows(page)
    header(page, "MSE").click()
    assert direction(page, "MSE") == "ascending"
    assert rows(page) == [
        *("vae", "mean image", "pca"),
        *("conv", "mean image", "pca"),
        *("conv_vae", "mean image", "pca"),
    ]
    header(page, "MSE").click()
    assert direction(page, "MSE") == "descending"
    assert networks(page) == ["conv_vae", "conv", "vae"]
    header(page, "MSE").click()
    assert direction(page, "MSE") is None
    assert rows(page) == as_written


def test_negative_numbers_are_sorted_as_numbers_and_missing_ones_stand_last(page: Page) -> None:
    header(page, "ELBO").click()
    assert networks(page) == ["vae", "conv_vae", "conv"]
    header(page, "ELBO").click()
    assert networks(page) == ["conv_vae", "vae", "conv"]
    assert page.get_by_text("by ELBO ↑, descending").is_visible()


def test_tables_are_sorted_by_keyboard_and_by_name(page: Page) -> None:
    header(page, "PSNR").focus()
    page.keyboard.press("Enter")
    assert networks(page) == ["conv_vae", "conv", "vae"]  # equal ones as they stood
    header(page, "variant").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    assert networks(page) == ["vae", "conv_vae", "conv"]
    assert direction(page, "PSNR") is None


def test_a_filter_leaves_the_networks_whose_name_contains_it(page: Page) -> None:
    field = page.get_by_label("networks named").first
    field.fill("VAE")
    assert networks(page) == ["vae", "conv_vae"]
    assert len(rows(page)) == 6
    assert page.get_by_text("2 named like “VAE”").is_visible()
    field.fill("no such")
    assert rows(page) == []
    field.fill("")
    assert networks(page) == ["conv", "vae", "conv_vae"]


def test_yardsticks_are_hidden_and_come_back(page: Page) -> None:
    box = page.get_by_label("yardsticks").first
    box.uncheck()
    assert rows(page) == ["conv", "vae", "conv_vae"]
    header(page, "MSE").click()
    page.get_by_label("networks named").first.fill("conv")
    assert rows(page) == ["conv", "conv_vae"]
    box.check()
    assert rows(page) == ["conv", "mean image", "pca", "conv_vae", "mean image", "pca"]


def test_two_variants_stand_side_by_side_with_the_better_marked(page: Page) -> None:
    page.get_by_label("first variant").first.select_option("conv")
    panel = page.locator(".pair").first
    assert panel.is_hidden()
    page.get_by_label("second variant").first.select_option("vae")
    compared = {
        row.locator("th").inner_text().strip(): [
            " ".join(text.split()) for text in row.locator("td").all_inner_texts()
        ]
        for row in panel.locator("tbody tr").all()
    }
    assert compared == {
        "MSE ↓": ["0.0100", "★ 0.0020 better"],
        "PSNR ↑dB": ["20.00", "20.00"],
        "ELBO ↑nats/image": ["–", "−100.00"],
        "linear probe ↑accuracy": ["0.9000", "–"],
    }
    assert panel.locator("h4").all_inner_texts() == ["Reconstructions", "Samples"]
    pictures = [image.get_attribute("src") for image in panel.locator("img").all()]
    assert pictures == ["conv-Reconstructions.png", "vae-Reconstructions.png", "vae-Samples.png"]
    assert panel.get_by_text("no such figure").count() == 1
    page.get_by_label("first variant").first.select_option("–")
    assert panel.is_hidden()


def test_the_mouse_shows_what_is_decoded_under_it_and_a_click_the_nearest_image(
    page: Page,
) -> None:
    decoded, original = windows(page)
    drawing = plane(page)
    drawing.hover(position=at(drawing, 0.6, 0.3))
    assert level(decoded) == DECODED[1 * CELLS + 2]
    assert page.get_by_text("z₁ 0.50, z₂ 1.00").is_visible()
    drawing.hover(position=at(drawing, 0.01, 0.99))
    assert level(decoded) == DECODED[3 * CELLS]
    assert page.get_by_text("z₁ −1.50, z₂ −3.00").is_visible()
    assert original.locator("img").is_hidden()
    drawing.click(position=at(drawing, 0.8, 0.2))
    assert level(original) == ORIGINALS[1]
    assert page.get_by_text("of class dog").is_visible()


def test_arrow_keys_move_over_the_plane_and_enter_shows_the_nearest_image(page: Page) -> None:
    decoded, original = windows(page)
    plane(page).focus()
    assert level(decoded) == DECODED[2 * CELLS + 2]  # it starts in the middle
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert level(decoded) == DECODED[1 * CELLS + 1]
    for _ in range(CELLS):  # it stops at the edge
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowUp")
    assert level(decoded) == DECODED[0]
    page.keyboard.press("Enter")
    assert level(original) == ORIGINALS[0]
    assert page.get_by_text("of class cat").is_visible()
    for _ in range(CELLS):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert level(original) == ORIGINALS[2]


def test_a_tap_shows_what_is_decoded_there_and_the_nearest_image(phone: Page) -> None:
    decoded, original = windows(phone)
    drawing = plane(phone)
    drawing.tap(position=at(drawing, 0.4, 0.9))
    assert level(decoded) == DECODED[3 * CELLS + 1]
    assert level(original) == ORIGINALS[2]


@pytest.mark.parametrize("context", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_nothing_of_the_page_reaches_beyond_its_width(
    browser: Browser, folder: Path, context: dict[str, Any]
) -> None:
    page = opened(browser, folder, **context)
    page.get_by_label("first variant").first.select_option("conv")
    page.get_by_label("second variant").first.select_option("conv_vae")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("document.documentElement.clientWidth")
    page.context.close()


def test_in_the_dark_the_controls_are_dark(browser: Browser, folder: Path) -> None:
    page = opened(browser, folder, color_scheme="dark")
    for control in (".controls", ".controls input", ".controls select"):
        colour = page.locator(control).first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert max(map(int, re.findall(r"\d+", colour)[:3])) < 128, control
    page.context.close()


def test_without_scripts_there_is_nothing_to_press_and_all_to_read(
    browser: Browser, folder: Path
) -> None:
    page = opened(browser, folder, java_script_enabled=False)
    assert page.locator("button, input, select, output, svg, [hidden]").count() == 0
    text = page.locator("body").inner_text()
    assert "{" not in text
    html = (folder / "index.html").read_text("utf-8")
    page.set_content(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))
    assert page.locator("body").inner_text() == text
    page.context.close()


def test_links_within_the_page_still_lead_to_the_variants(page: Page) -> None:
    table(page).get_by_role("link", name="conv_vae").click()
    assert page.url.endswith("#mnist-conv_vae")
    assert page.locator("#mnist-conv_vae").bounding_box() is not None
    page.go_back()
    assert page.url.endswith("index.html")
