"""Tests of the report page in a browser: mouse, keyboard, touch, and without scripts."""

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
from tests.report import example_results
from tests.report.example_results import over_seeds

pytestmark = needs_chromium

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CELLS = 4  # per side of the plane, each 2×2 pixels; brightness increases from cell to cell
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
    return example_results.variant(name, metrics, yardsticks, pictures=pictures, **others)


VARIANTS = [
    over_seeds(
        section("conv", {"mse": 0.01, "psnr": 20.0, "probe_accuracy": 0.9}),
        mse=[0.01, 0.011, 0.012],
        psnr=[20.0, 19.8, 19.7],
    ),
    over_seeds(
        section("vae", {"mse": 0.002, "psnr": 20.0, "elbo": -100.0}, plane=PLANE),
        changes=["code"],
        mse=[0.002, 0.0022, 0.0021],
        psnr=[20.1, 19.5, 20.2],
    ),
    section("conv_vae", {"mse": 0.1, "psnr": 9.0, "elbo": -20.0}),
]


def squares(levels: list[int]) -> Image.Image:
    """Return a square sheet of grey images of 2×2 pixels."""
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
    letters = example_results.dataset(VARIANTS[0], name="letters", title="LETTERS")
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
    """Open the page from the file system; errors of its script and missing files fail the test."""
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
    return page.get_by_role("region", name="Reconstruction and generation, MNIST").get_by_role(
        "table"
    )


def rows(page: Page) -> list[str]:
    """Return the names of the visible rows of the first table."""
    names = table(page).locator("tbody tr:visible th").all_inner_texts()
    return [name.strip() for name in names]


def networks(page: Page) -> list[str]:
    return [name for name in rows(page) if name not in ("mean image", "pca")]


def header(page: Page, label: str) -> Locator:
    return table(page).get_by_role("button", name=re.compile(f"^{label}"))


def direction(page: Page, label: str) -> str | None:
    return header(page, label).locator("xpath=..").get_attribute("aria-sort")


def level(window: Locator) -> int:
    """Return the grey level in the middle of a window."""
    window.locator("img").evaluate("image => image.decode()")
    picture = Image.open(io.BytesIO(window.screenshot())).convert("L")
    return int(np.asarray(picture)[picture.height // 2, picture.width // 2])


def plane(page: Page) -> Locator:
    return page.get_by_role("application", name="MNIST · vae: latent plane")


def windows(page: Page) -> tuple[Locator, Locator]:
    """Return the windows of the decoded image and of the nearest test image."""
    both = page.locator(".plane .window")
    return both.nth(0), both.nth(1)


def at(drawing: Locator, x: float, y: float) -> Any:
    box = drawing.bounding_box()
    assert box is not None
    return {"x": x * box["width"], "y": y * box["height"]}


def test_headers_sort_networks_together_with_their_yardsticks(page: Page) -> None:
    original_order = rows(page)
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
    assert rows(page) == original_order


def test_values_are_sorted_as_numbers_and_missing_values_are_last(page: Page) -> None:
    header(page, "ELBO").click()
    assert networks(page) == ["vae", "conv_vae", "conv"]
    header(page, "ELBO").click()
    assert networks(page) == ["conv_vae", "vae", "conv"]
    assert page.get_by_text("sorted by ELBO ↑, descending").is_visible()


def test_keyboard_sorts_by_number_and_by_name(page: Page) -> None:
    header(page, "PSNR").focus()
    page.keyboard.press("Enter")
    assert networks(page) == ["conv_vae", "conv", "vae"]  # equal values keep their order
    header(page, "variant").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    assert networks(page) == ["vae", "conv_vae", "conv"]
    assert direction(page, "PSNR") is None


def test_filter_shows_networks_with_the_text_in_their_name(page: Page) -> None:
    field = page.get_by_label("filter by name").first
    field.fill("VAE")
    assert networks(page) == ["vae", "conv_vae"]
    assert len(rows(page)) == 6
    assert page.get_by_text("networks with “VAE” in the name: 2").is_visible()
    field.fill("no such")
    assert rows(page) == []
    field.fill("")
    assert networks(page) == ["conv", "vae", "conv_vae"]


def test_yardsticks_can_be_hidden_and_shown_again(page: Page) -> None:
    box = page.get_by_label("show yardsticks").first
    box.uncheck()
    assert rows(page) == ["conv", "vae", "conv_vae"]
    header(page, "MSE").click()
    page.get_by_label("filter by name").first.fill("conv")
    assert rows(page) == ["conv", "conv_vae"]
    box.check()
    assert rows(page) == ["conv", "mean image", "pca", "conv_vae", "mean image", "pca"]


def compare(page: Page, one: str, other: str) -> Locator:
    """Select two variants of the first dataset; return the panel that compares them."""
    for choice, name in (("second", "–"), ("first", one), ("second", other)):
        page.get_by_label(f"{choice} variant").first.select_option(name)
    return page.locator(".pair").first


def compared(panel: Locator) -> dict[str, list[str]]:
    """Return metric → cells of the comparison."""
    return {
        " ".join(row.locator("th").inner_text().split()): [
            " ".join(text.split()) for text in row.locator("td").all_inner_texts()
        ]
        for row in panel.locator("tbody tr").all()
    }


def test_comparison_of_two_variants_marks_the_better_value(page: Page) -> None:
    page.get_by_label("first variant").first.select_option("vae")
    assert page.locator(".pair").first.is_hidden()
    panel = compare(page, "conv_vae", "vae")
    assert compared(panel) == {
        "MSE ↓": ["0.1000", "★ 0.0020 better"],
        "PSNR ↑dB": ["9.00", "★ 20.00 better"],
        "ELBO ↑nats/image": ["★ −20.00 better", "−100.00"],
    }
    panel = compare(page, "conv", "vae")
    assert compared(panel)["PSNR ↑dB"][:2] == ["20.00", "20.00"]
    assert panel.locator("h4").all_inner_texts() == ["Reconstructions", "Samples"]
    pictures = [image.get_attribute("src") for image in panel.locator("img").all()]
    assert pictures == ["conv-Reconstructions.png", "vae-Reconstructions.png", "vae-Samples.png"]
    assert panel.get_by_text("no such figure").count() == 1
    page.get_by_label("first variant").first.select_option("–")
    assert panel.is_hidden()


def test_comparison_of_two_variants_has_the_paired_difference_over_seeds(page: Page) -> None:
    head = "paired over 3 seeds, 95 % interval out of date"
    # Student's quantile of three seeds is 4.303; the differences of MSE are 8.0, 8.8, 9.9 · 10⁻³.
    for pair, signs in ((("conv", "vae"), "+−"), (("vae", "conv"), "−+")):
        panel = compare(page, *pair)
        [*_, last] = panel.locator("thead th").all_inner_texts()
        assert " ".join(last.split()) == f"{' − '.join(pair)} {head}"
        assert {metric: cells[-1] for metric, cells in compared(panel).items()} == {
            "MSE ↓": f"{signs[0]}0.0089 ± 0.0024 excludes 0",
            "PSNR ↑dB": f"{signs[1]}0.10 ± 0.99 contains 0",
            "ELBO ↑nats/image": "–",
            "linear probe accuracy ↑": "–",
        }
    assert len(compare(page, "vae", "conv_vae").locator("thead th").all()) == 3


def test_mouse_shows_the_decoded_image_and_click_the_nearest_image(
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
    assert page.get_by_text("class dog").is_visible()


def test_arrow_keys_move_the_position_and_enter_shows_the_nearest_image(page: Page) -> None:
    decoded, original = windows(page)
    plane(page).focus()
    assert level(decoded) == DECODED[2 * CELLS + 2]  # the initial position is the middle
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert level(decoded) == DECODED[1 * CELLS + 1]
    for _ in range(CELLS):  # the position stops at the edge
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowUp")
    assert level(decoded) == DECODED[0]
    page.keyboard.press("Enter")
    assert level(original) == ORIGINALS[0]
    assert page.get_by_text("class cat").is_visible()
    for _ in range(CELLS):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert level(original) == ORIGINALS[2]


def test_tap_shows_the_decoded_image_and_the_nearest_image(phone: Page) -> None:
    decoded, original = windows(phone)
    drawing = plane(phone)
    drawing.tap(position=at(drawing, 0.4, 0.9))
    assert level(decoded) == DECODED[3 * CELLS + 1]
    assert level(original) == ORIGINALS[2]


@pytest.mark.parametrize("context", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_page_has_no_horizontal_overflow(
    browser: Browser, folder: Path, context: dict[str, Any]
) -> None:
    page = opened(browser, folder, **context)
    page.get_by_label("first variant").first.select_option("conv")
    page.get_by_label("second variant").first.select_option("conv_vae")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("document.documentElement.clientWidth")
    page.context.close()


def test_controls_are_dark_in_dark_mode(browser: Browser, folder: Path) -> None:
    page = opened(browser, folder, color_scheme="dark")
    for control in (".controls", ".controls input", ".controls select"):
        colour = page.locator(control).first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert max(map(int, re.findall(r"\d+", colour)[:3])) < 128, control
    page.context.close()


def test_page_without_scripts_has_all_text_and_no_controls(browser: Browser, folder: Path) -> None:
    page = opened(browser, folder, java_script_enabled=False)
    assert page.locator("button, input, select, output, svg, [hidden]").count() == 0
    text = page.locator("body").inner_text()
    assert "{" not in text
    html = (folder / "index.html").read_text("utf-8")
    page.set_content(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))
    assert page.locator("body").inner_text() == text
    page.context.close()


def test_links_in_tables_lead_to_the_variants(page: Page) -> None:
    table(page).get_by_role("link", name="conv_vae").click()
    assert page.url.endswith("#mnist-conv_vae")
    assert page.locator("#mnist-conv_vae").bounding_box() is not None
    page.go_back()
    assert page.url.endswith("index.html")
