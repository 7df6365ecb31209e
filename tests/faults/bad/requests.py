"""Bad HTTP requests to the server of a trained variant: addresses, headers, queries and bodies."""

from functools import partial
from pathlib import Path

from PIL import Image

from tests.faults.bad.pictures import bomb, picture
from tests.faults.case import Case, Change
from tests.faults.changes import all_of, emptied, halved, nothing, written

NO_IMAGE = "cannot be read as an image"
PNG = "Content-Type: image/png"
A = picture("a.png")

_case = partial(Case, "requests", needs="trained")


def _sent(name: str, query: str, bad: Change, *says: str, file: str = "a.png") -> Case:
    """Return a case of a file that is sent to /apply."""
    return _case(name, f"POST /apply{query} '{PNG}' {file}", bad, says)


def _asked(request: str, *says: str, name: str = "") -> Case:
    """Return a case of a request without a bad body."""
    return _case(name or request, request, A, says)


def _two_frames(world: Path) -> None:
    one, two = Image.new("L", (28, 28), 0), Image.new("L", (28, 28), 255)
    one.save(world / "a.gif", save_all=True, append_images=[two])


BODIES = (
    _case("no body", f"POST /apply '{PNG}'", nothing, (NO_IMAGE,)),
    _sent("a text", "", written("a.png", "no image"), NO_IMAGE),
    _sent("half a PNG", "", all_of(A, halved("a.png")), NO_IMAGE),
    _sent("a web page", "", written("a.png", "<html>Log in first</html>"), NO_IMAGE),
    _sent("an image in base64", "", written("a.png", "iVBORw0KGgoAAAANSUhEUg=="), NO_IMAGE),
    _sent("an animated GIF", "", _two_frames, "several frames", "save one", file="a.gif"),
    _sent("two gigapixels", "", written("a.png", bomb(50_000, 40_000)), "pixels", "allowed|limit"),
    _sent("33 MiB", "", written("a.png", bytes(33 * 2**20)), "allowed: 32 MiB"),
    _sent(
        "transparent parts into JPEG",
        "?format=jpeg",
        *(picture("a.png", mode="LA"), "transparent", "png"),
    ),
    _sent(
        "a line that is too long for WebP",
        "?format=webp",
        *(picture("a.png", (16_384, 1)), "16384×1", "16383", "png or tiff"),
    ),
    _case(
        "a form of a browser",
        "POST /apply 'Content-Type: multipart/form-data; boundary=x' a.png",
        *(A, ("form", "--data-binary")),
    ),
    _case("a text to convert", f"POST /convert '{PNG}' a.txt", written("a.txt", "x"), (NO_IMAGE,)),
    _case(
        "JSON in place of an image",
        "POST /apply 'Content-Type: application/json' a.json",
        *(written("a.json", '{"image": "a.png"}'), (NO_IMAGE,)),
    ),
    _case(
        "an empty file to convert", f"POST /convert '{PNG}' a.png", emptied("a.png"), (NO_IMAGE,)
    ),
)

QUERIES = (
    _asked("POST /apply?formt=png a.png", "'formt'", "did you mean 'format'"),
    _asked("POST /apply?format=gif a.png", "format: found 'gif'", "'png'"),
    _asked("POST /apply?format= a.png", "format: found ''", "'png'"),
    _asked("POST /apply?resize=maybe a.png", "resize: found 'maybe'", "true or false"),
    _asked("POST /apply?colour=red a.png", "colour: found 'red'", "'luma'"),
    _asked("POST /apply?color=luma a.png", "'color'", "did you mean 'colour'"),
    _asked("POST /convert?resize=true a.png", "'resize'", "format"),
    _asked("GET /about?format=png", "'format'", "allowed: none"),
)

ADDRESSES = (
    _asked("GET /apply", "GET", "POST"),
    _asked("POST /aply a.png", "/aply", "did you mean '/apply'"),
    _asked("DELETE /about", "DELETE", "GET"),
    _asked("GET /favicon.ico", "/favicon.ico", "allowed: /, /about"),
    _asked("POST /decode a.png", "/decode", "latent"),
    _asked(
        "GET /about 'Host: example.org'",
        *("'example.org'", "allowed: localhost", "--host 0.0.0.0"),
        name="another site's name for this machine",
    ),
    _asked(
        "POST /apply 'Origin: http://example.org' a.png",
        *("http://example.org", "this server's own page"),
        name="another site's page",
    ),
)

CASES = (*BODIES, *QUERIES, *ADDRESSES)
