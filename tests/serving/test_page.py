"""The page as people use it, by mouse and by keyboard."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from threading import Semaphore

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, needs_chromium
from tests.saved import PARAMS, saved
from tests.serving.server import loaded, serving, stepping

pytestmark = needs_chromium

# What a browser does when a file is dropped on an element; a test has no file manager.
DROP = """(element, [name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  for (const kind of ["dragover", "drop"]) {
    element.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of a variant for any size, of one with a plane, and of one with many latents."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("repository"))
        Path("params.yaml").write_bytes(PARAMS.read_bytes())
        for name in ("superres", "vae", "aae"):
            saved("mnist", (1, 28, 28), name)
        with (
            serving(*loaded("superres")) as superres,
            serving(*loaded("vae")) as vae,
            serving(*loaded("aae")) as aae,
        ):
            yield {"superres": superres, "vae": vae, "aae": aae}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 900, "height": 900})
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("filechooser", lambda chooser: None)  # asked for later, it may come too late
    yield page
    page.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "scan.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)).save(path)
    return path


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def drop(page: Page, name: str, content: bytes) -> None:
    page.locator("#drop").evaluate(DROP, [name, base64.b64encode(content).decode()])


def split(page: Page) -> str:
    """Return where the picture is split, as it is drawn."""
    return str(page.locator("#before").evaluate("image => getComputedStyle(image).clipPath"))


def test_a_dropped_picture_is_shown_before_and_after(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    expect(page.locator("h1")).to_have_text("mnist/superres")
    expect(page.locator("#takes")).to_contain_text("grey pictures of any size. It makes them 2")
    drop(page, picture.name, picture.read_bytes())
    expect(page.locator("#status")).to_have_text("scan.png is through: 120×80 pixels.")
    for image, width in (("#before", 60), ("#after", 120)):
        assert page.locator(image).evaluate("image => image.naturalWidth") == width
    boxes = [page.locator(image).bounding_box() for image in ("#before", "#after")]
    assert boxes[0] == boxes[1], "one lies over the other"


def test_the_slider_is_moved_by_mouse_and_by_keyboard(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    drop(page, picture.name, picture.read_bytes())
    slider = page.get_by_role("slider", name="How much of the picture shows it before")
    expect(slider).to_have_value("50")
    assert "50%" in split(page)
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=5)
    page.mouse.up()
    assert 75 <= int(slider.input_value()) <= 85
    assert f"{100 - int(slider.input_value())}%" in split(page)
    slider.focus()
    page.keyboard.press("Home")
    assert "100%" in split(page)
    page.keyboard.press("ArrowRight")
    assert "99%" in split(page)


def test_a_picture_is_chosen_by_keyboard_and_downloaded(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    expect(page.locator("#takes")).not_to_be_empty()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(picture)
    link = page.get_by_role("link", name="Download scan-superres.png (120×80)")
    with page.expect_download() as download:
        link.press("Enter")
    assert download.value.suggested_filename == "scan-superres.png"
    with Image.open(download.value.path()) as image:
        assert (image.format, image.size) == ("PNG", (120, 80))


def test_another_format_is_had_without_computing_it_again(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    drop(page, picture.name, picture.read_bytes())
    expect(page.get_by_role("link", name="Download scan-superres.png")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Write it as").select_option("JPEG")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download scan-superres.jpeg").click()
    with Image.open(download.value.path()) as image:
        assert (image.format, image.size) == ("JPEG", (120, 80))
    assert not [url for url in asked if "/apply" in url]
    expect(page.get_by_role("status")).to_have_text("scan.png is through: 120×80 pixels.")


def test_a_format_that_cannot_hold_it_leaves_the_png(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["superres"])
    drop(page, "clear.png", png(Image.new("LA", (9, 9))))
    expect(page.get_by_role("link", name="Download clear-superres.png")).to_be_visible()
    page.get_by_label("Write it as").select_option("JPEG")
    expect(page.locator("#error")).to_contain_text("JPEG cannot hold")
    expect(page.get_by_label("Write it as")).to_have_value("png")
    expect(page.get_by_role("link", name="Download clear-superres.png")).to_be_visible()


def test_how_far_a_large_picture_is_and_an_end_to_it(page: Page) -> None:
    turns = Semaphore(3)
    large = png(Image.new("L", (1024, 1024)))  # 4 tiles
    with serving(stepping(turns), "nothing") as address:
        page.goto(address)
        drop(page, "large.png", large)
        expect(page.locator("#share")).to_have_text("75 %")
        expect(page.get_by_role("progressbar")).to_have_js_property("value", 0.75)
        assert page.context.browser
        other = page.context.browser.new_page()
        other.goto(address)
        drop(other, "other.png", large)
        expect(other.get_by_role("status")).to_have_text(
            "other.png waits for its turn: another picture is before it."
        )
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("status")).to_have_text("large.png was stopped.")
        expect(page.get_by_role("progressbar")).to_be_hidden()
        turns.release(5)
        expect(other.get_by_role("status")).to_contain_text("other.png is through: 1024×1024")
        other.close()


def test_what_programs_mend_by_a_parameter_people_mend_by_a_box(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["vae"])
    box = page.get_by_label("cut to the square in the middle")
    box.uncheck()
    drop(page, picture.name, picture.read_bytes())
    expect(page.locator("#error")).to_have_text(
        "scan.png: this network takes pictures of 28×28 pixels alone: tick “cut to the square in "
        "the middle, and resample it”"
    )
    box.check()
    expect(page.locator("#status")).to_contain_text("is through: 28×28")
    expect(page.locator("#example")).to_contain_text('/apply?resize=true"')


@pytest.mark.parametrize("size", [(1, 2000), (2000, 1)])
def test_a_thin_picture_has_a_box_on_the_screen(
    size: tuple[int, int], page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["superres"])
    drop(page, "thin.png", png(Image.new("L", size)))
    expect(page.locator("#result")).to_be_visible()
    box = page.locator("#stage").bounding_box()
    assert box is not None
    assert 200 < box["width"] <= 900
    assert 200 < box["height"] <= 720


def test_what_is_no_picture_is_said_and_the_page_goes_on(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    drop(page, "notes.txt", b"no picture")
    alert = page.locator("#error")
    expect(alert).to_contain_text("notes.txt: cannot be read as an image (damaged, or in a format")
    expect(page.locator("#result")).to_be_hidden()
    drop(page, picture.name, picture.read_bytes())
    expect(page.locator("#result")).to_be_visible()
    expect(alert).to_be_hidden()


def test_where_there_is_no_walk_the_page_says_why(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["superres"])
    expect(page.locator("#walk-hint")).to_contain_text("latents are feature maps, of 8×4×4")
    expect(page.locator("#explorer")).to_be_hidden()


def decoded(page: Page) -> str:
    """Return the image that is shown of a latent, when it is there."""
    image = page.locator("#decoded")
    expect(image).to_have_js_property("naturalWidth", 28)
    return image.get_attribute("src") or ""


def test_the_plane_is_walked_by_mouse_and_by_keyboard(
    page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["vae"])
    where, image = page.locator("#where"), page.locator("#decoded")
    expect(where).to_have_text("z₁ 0.00, z₂ 0.00")
    plane = page.locator("#plane")
    box = plane.bounding_box()
    assert box is not None
    first = decoded(page)
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    expect(where).to_have_text("z₁ 1.29, z₂ 1.29")
    expect(image).not_to_have_attribute("src", first)
    plane.focus()
    for key in ("ArrowLeft", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(where).to_have_text("z₁ 1.16, z₂ 1.03")


def test_a_dropped_picture_is_where_the_walk_goes_on(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["vae"])
    where = page.locator("#where")
    expect(where).to_have_text("z₁ 0.00, z₂ 0.00")
    drop(page, picture.name, picture.read_bytes())
    expect(page.locator("#status")).to_contain_text("is through: 28×28")
    expect(where).not_to_have_text("z₁ 0.00, z₂ 0.00")


def test_of_many_latents_those_that_change_most_have_sliders(
    page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["aae"])
    sliders = page.locator("#controls").get_by_role("slider")
    expect(sliders).to_have_count(8)
    image = page.locator("#decoded")
    first = decoded(page)
    sliders.first.press("End")
    expect(page.locator("#controls output").first).to_have_text("2.58")
    expect(image).not_to_have_attribute("src", first)


@pytest.mark.parametrize("width", [320, 900])
def test_nothing_is_wider_than_the_screen(
    width: int, page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for address in addresses.values():
        page.goto(address)
        drop(page, picture.name, picture.read_bytes())
        expect(page.locator("#result")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
