"""The page in a browser, by mouse and by keyboard."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from threading import Semaphore

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from autoencoders.images.picture import Picture
from autoencoders.serving.content import Examples, drawing_for
from tests.browser import chromium, needs_chromium
from tests.saved import PARAMS, saved
from tests.serving.server import loaded, serving, stepping

pytestmark = needs_chromium

# The image and the input of an upscaler.
HALVED = (1, 28, 28), {"kind": "downsampled", "factor": 2, "reduction": "bilinear"}
# The events of a file that is dropped on an element; a test has no file manager.
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
    """Serve a variant for any size, one with two latent dimensions and one with many."""
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
    page.on("filechooser", lambda chooser: None)  # a later handler may miss the event
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
    """Return the clip path that splits the image."""
    return str(page.locator("#before").evaluate("image => getComputedStyle(image).clipPath"))


def test_a_dropped_image_is_shown_with_its_output(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    expect(page.locator("h1")).to_have_text("mnist/superres")
    expect(page.locator("#takes")).to_contain_text(
        "greyscale images of any size. The output is 2 times"
    )
    drop(page, picture.name, picture.read_bytes())
    expect(page.locator("#status")).to_have_text("Done: the output of scan.png has 120×80 pixels.")
    for image, width in (("#before", 60), ("#after", 120)):
        assert page.locator(image).evaluate("image => image.naturalWidth") == width
    boxes = [page.locator(image).bounding_box() for image in ("#before", "#after")]
    assert boxes[0] == boxes[1], "one lies over the other"


def test_the_slider_is_moved_by_mouse_and_by_keyboard(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    drop(page, picture.name, picture.read_bytes())
    slider = page.get_by_role("slider", name="Share of the width that shows the input")
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


def test_an_image_is_chosen_by_keyboard_and_downloaded(
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


def test_another_format_needs_no_second_computation(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["superres"])
    drop(page, picture.name, picture.read_bytes())
    expect(page.get_by_role("link", name="Download scan-superres.png")).to_be_visible()
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.get_by_label("Output format").select_option("JPEG")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download scan-superres.jpeg").click()
    with Image.open(download.value.path()) as image:
        assert (image.format, image.size) == ("JPEG", (120, 80))
    assert not [url for url in urls if "/apply" in url]
    expect(page.get_by_role("status")).to_have_text(
        "Done: the output of scan.png has 120×80 pixels."
    )


def test_after_an_unsuitable_format_the_download_is_the_png(
    page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["superres"])
    drop(page, "clear.png", png(Image.new("LA", (9, 9))))
    expect(page.get_by_role("link", name="Download clear-superres.png")).to_be_visible()
    page.get_by_label("Output format").select_option("JPEG")
    expect(page.locator("#error")).to_contain_text("JPEG cannot store")
    expect(page.get_by_label("Output format")).to_have_value("png")
    expect(page.get_by_role("link", name="Download clear-superres.png")).to_be_visible()


def test_a_large_image_has_progress_and_a_stop_button(page: Page) -> None:
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
            "other.png is in the queue: 1 other image is before it."
        )
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("status")).to_have_text("Stopped: large.png.")
        expect(page.get_by_role("progressbar")).to_be_hidden()
        turns.release(5)
        expect(other.get_by_role("status")).to_contain_text(
            "Done: the output of other.png has 1024×1024"
        )
        other.close()


def test_an_error_of_size_names_the_box_to_tick(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["vae"])
    box = page.get_by_label("crop to the central square")
    box.uncheck()
    drop(page, picture.name, picture.read_bytes())
    expect(page.locator("#error")).to_have_text(
        "scan.png: the network takes only images of 28×28 pixels: tick “crop to the central square "
        "and resize”"
    )
    box.check()
    expect(page.locator("#status")).to_contain_text("has 28×28 pixels")
    expect(page.locator("#example")).to_contain_text('/apply?resize=true"')


@pytest.mark.parametrize("size", [(1, 2000), (2000, 1)])
def test_a_thin_image_has_a_box_that_fits_the_screen(
    size: tuple[int, int], page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["superres"])
    drop(page, "thin.png", png(Image.new("L", size)))
    expect(page.locator("#result")).to_be_visible()
    box = page.locator("#stage").bounding_box()
    assert box is not None
    assert 200 < box["width"] <= 900
    assert 200 < box["height"] <= 720


def test_a_file_that_is_no_image_is_an_error_and_the_page_still_works(
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


def test_without_an_explorer_the_page_shows_the_reason(
    page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["superres"])
    expect(page.locator("#explorer-hint")).to_contain_text("Not available: the latents of this")
    expect(page.locator("#explorer")).to_be_hidden()


def decoded(page: Page) -> str:
    """Wait for the decoded image; return its address."""
    image = page.locator("#decoded")
    expect(image).to_have_js_property("naturalWidth", 28)
    return image.get_attribute("src") or ""


def test_the_point_on_the_plane_moves_by_mouse_and_by_keyboard(
    page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["vae"])
    position, image = page.locator("#position"), page.locator("#decoded")
    expect(position).to_have_text("z₁ = 0.00, z₂ = 0.00")
    plane = page.locator("#plane")
    box = plane.bounding_box()
    assert box is not None
    first = decoded(page)
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    expect(position).to_have_text("z₁ = 1.29, z₂ = 1.29")
    expect(image).not_to_have_attribute("src", first)
    plane.focus()
    for key in ("ArrowLeft", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(position).to_have_text("z₁ = 1.16, z₂ = 1.03")


def test_a_dropped_image_moves_the_point_to_its_latent(
    page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.goto(addresses["vae"])
    position = page.locator("#position")
    expect(position).to_have_text("z₁ = 0.00, z₂ = 0.00")
    drop(page, picture.name, picture.read_bytes())
    expect(page.locator("#status")).to_contain_text("has 28×28 pixels")
    expect(position).not_to_have_text("z₁ = 0.00, z₂ = 0.00")


def test_the_dimensions_that_change_the_image_most_have_sliders(
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


def test_a_drawing_is_processed_as_the_encoder_gets_it(
    page: Page, addresses: dict[str, str]
) -> None:
    page.goto(addresses["vae"])
    expect(page.locator("#own")).to_be_hidden()
    examples = Examples((Picture(np.ones((1, 14, 14), np.float32)),), drawing_for(*HALVED))
    with serving(*loaded("superres"), examples=examples) as address:
        page.goto(address)
        box = page.locator(".drawing").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 50, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 150, steps=4)
        page.mouse.up()
        expect(page.locator("#status")).to_have_text(
            "Done: the output of drawing.png has 28×28 pixels."
        )
        assert page.locator("#before").evaluate("image => image.naturalWidth") == 14
        page.get_by_role("button", name="Example 1").press("Enter")
        expect(page.locator("#status")).to_contain_text("example-1.png has 28×28 pixels.")
        expect(page.locator("#stage")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [320, 900])
def test_the_page_is_not_wider_than_the_screen(
    width: int, page: Page, addresses: dict[str, str], picture: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for address in addresses.values():
        page.goto(address)
        drop(page, picture.name, picture.read_bytes())
        expect(page.locator("#result")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
