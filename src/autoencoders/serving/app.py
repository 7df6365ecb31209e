"""The web application: the page, and the HTTP endpoints for the page and for programs."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from autoencoders.application.network import Network
from autoencoders.errors import suggestion, warn
from autoencoders.files import DISK_FULL
from autoencoders.images.origin import make_origin
from autoencoders.images.output_paths import format_named
from autoencoders.images.picture import TooLarge, UnusableImage, WrongSize
from autoencoders.images.reading import read_image
from autoencoders.images.writing import encode_image
from autoencoders.serving.apply_image import MAX_BYTES, OutputFormat, apply_to_file, max_pixels
from autoencoders.serving.content import Examples, Explorer
from autoencoders.serving.queue import Job, Queue
from autoencoders.site.drawing import ASSETS

HERE = Path(__file__).parent
PAGE = {  # address → file, media type
    "/": (HERE / "page.html", "text/html"),
    "/page.css": (HERE / "page.css", "text/css"),
    "/page.js": (HERE / "page.js", "text/javascript"),
    "/common.css": (ASSETS / "common.css", "text/css"),
    "/drawing.js": (ASSETS / "drawing.js", "text/javascript"),
    "/plane.js": (ASSETS / "plane.js", "text/javascript"),
}
# The page loads and runs only files of this server.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
MAX_PIXEL_BYTES = 8  # four channels of 16 bits
MAX_WARNINGS = 100  # remembered messages
PROGRESS_SECONDS = 0.25  # between two lines of progress
MAX_FLOAT32 = 3.4e38
Resize: TypeAlias = Annotated[
    bool, Query(description="crop to the central square and resample it to the trained size")
]
Format: TypeAlias = Annotated[OutputFormat, BeforeValidator(format_named)]
Number: TypeAlias = Annotated[float, Field(ge=-MAX_FLOAT32, le=MAX_FLOAT32)]
LATENT = TypeAdapter(Annotated[dict[Literal["latent"], list[Number]], Field(min_length=1)])
IMAGE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILE = {"requestBody": {"required": True, "content": {"image/*": IMAGE}}}
JSON = {"application/json": {"schema": LATENT.json_schema()}}
A_LATENT = {"requestBody": {"required": True, "content": JSON}}
AN_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "the image", "content": {"image/*": IMAGE}},
}
REFUSED: dict[int | str, dict[str, Any]] = {
    413: {"description": "too many bytes or pixels; `detail` gives the limit"},
    415: {"description": "a form; allowed: the file as the body"},
    422: {"description": "no image, or a damaged or unsuitable one; `detail` gives the reason"},
    507: {"description": "the server's disk is full"},
}


def create_app(
    network: Network,
    explorer: Explorer | str,
    hosts: Sequence[str] = ("*",),
    examples: Examples | None = None,
) -> FastAPI:
    """Return the application that serves a trained network.

    Args:
        network: the network to apply to images.
        explorer: the explorer of the latent space, or the reason why there is none.
        hosts: allowed `Host` headers. A server on loopback allows only its names there, because
            another site can make its own name resolve to this machine (DNS rebinding).
        examples: images that a visitor may choose, and the input for a drawing; None without.
    """
    app = FastAPI(
        title=f"autoencoders: {network.source}",
        docs_url=None,  # it would load scripts of another server
        redoc_url=None,
        dependencies=[Depends(_require_known_parameters)],
    )
    if "*" not in hosts:
        app.router.dependencies.append(Depends(_require_own_page))
    app.add_middleware(_Entrance, hosts)
    app.state.why_no_latent = {}
    app.state.warn = lru_cache(MAX_WARNINGS)(warn)  # each message once
    for kind in (Exception, OSError, RequestValidationError, UnusableImage):
        app.add_exception_handler(kind, _error_response)
    for status in (404, 405):
        app.add_exception_handler(status, _wrong_address)
    for address, (path, media_type) in PAGE.items():
        file = FileResponse(path, headers=SECURITY_HEADERS, media_type=media_type)
        app.router.routes.append(Route(address, file, methods=["GET"]))
    queue = Queue()
    _add_network(app, network, queue)
    _add_latent(app, network, explorer, queue)
    _add_examples(app, network, examples or Examples())
    return app


class _Entrance:
    """The first step of all requests: refuse foreign hosts, and treat HEAD as GET.

    uvicorn leaves out the body of an answer to HEAD.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = tuple(dict.fromkeys(hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        if "*" not in self.hosts and re.sub(r":\d*$", "", host).lower() not in self.hosts:
            detail = (
                f"found the host {host!r}; allowed: {', '.join(self.hosts)}; use one of them in "
                "the address, or start `autoencoders serve` with --host 0.0.0.0 for all machines"
            )
            await JSONResponse({"detail": detail}, 400)(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)


async def _require_own_page(request: Request) -> None:
    """Refuse requests that a page of another server makes in a browser."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("//")[2] != request.headers["host"]:
        raise HTTPException(403, f"found the origin {origin}; allowed: this server's own page")


async def _require_known_parameters(request: Request) -> None:
    """Refuse query parameters that are not in /openapi.json, instead of ignoring them."""
    address = request.app.openapi()["paths"][request.scope["route"].path]
    described = address[request.method.lower()].get("parameters", [])
    allowed = [entry["name"] for entry in described if entry["in"] == "query"]
    for name in request.query_params:
        if name not in allowed:
            hint = suggestion(name, allowed) if allowed else "; allowed: none"
            raise HTTPException(422, f"query parameter: found {name!r}{hint}")


async def _error_response(request: Request, error: Exception) -> Response:
    status, content = _status_and_content(request, error)
    return JSONResponse(content, status)


async def _wrong_address(request: Request, error: Exception) -> Response:
    """Answer a request with an unknown address, or with a method that its address does not have."""
    assert isinstance(error, HTTPException)
    path, known = request.url.path, {route.path: route.methods for route in request.app.routes}
    if path in known:
        detail = f"{path}: found {request.method}; allowed: {', '.join(sorted(known[path]))}"
    else:
        no_latent = request.app.state.why_no_latent.get(path)
        why = f": {no_latent}" if no_latent else suggestion(path, sorted(known))
        detail = f"found the address {path!r}{why}"
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


def _status_and_content(request: Request, error: BaseException) -> tuple[int, dict[str, str]]:
    """Return the status and the content, `{"detail": …}`, of the answer for an exception."""
    match error:
        case TooLarge():
            return 413, {"detail": str(error)}
        case WrongSize():  # `mend` is the query parameter that helps; the page shows its checkbox
            return 422, {"detail": str(error), "mend": "resize"}
        case UnusableImage():
            return 422, {"detail": str(error)}
        case RequestValidationError():
            mistake = error.errors()[0]
            allowed = "true or false" if mistake["type"] == "bool_parsing" else mistake["msg"]
            allowed = allowed.removeprefix("Input should be ")
            found = f"{mistake['loc'][-1]}: found {mistake['input']!r}"
            return 422, {"detail": f"{found}; allowed: {allowed}"}
        case InterruptedError() | asyncio.CancelledError():
            return 503, {"detail": "the server is shutting down: send the request again later"}
        case OSError():
            status = 507 if error.errno in DISK_FULL else 503
            detail = (
                f"the server cannot store the file in {gettempdir()} ({error.strerror}); make room "
                "there, or start the server with another TMPDIR"
            )
        case _:
            status, detail = 500, f"internal error ({type(error).__name__}: {error})"
    request.app.state.warn(f"{request.method} {request.url.path}: {detail}")
    return status, {"detail": detail}


def _add_network(app: FastAPI, network: Network, queue: Queue) -> None:
    @app.get("/about")
    async def about() -> dict[str, Any]:
        """Return the name of the variant, its shapes `(C, H, W)` and its limits."""
        return {
            "variant": network.source,
            "input_shape": network.input_shape,
            "image_shape": network.image_shape,
            "any_size": network.geometry is not None,
            "most_bytes": MAX_BYTES,
            "most_pixels": max_pixels(network.factor),
        }

    @app.post("/apply", response_class=Response, responses=AN_IMAGE | REFUSED, openapi_extra=FILE)
    async def apply(
        request: Request,
        job: Annotated[Job, Depends(queue.upload(MAX_BYTES))],
        format: Annotated[
            Format | None,
            Query(description="output format; default: that of the input, or png"),
        ] = None,
        colour: Annotated[
            Literal["channels", "luma"],
            BeforeValidator(str.lower),
            Query(description="how a grey network processes colour images"),
        ] = "channels",
        resize: Resize = False,
        progress: Annotated[
            bool,
            Query(
                description="answer with lines of JSON: the number of images `before` this one and "
                "the processed `share`; at the end an error (`detail`), or the number of `bytes` "
                "of the image that follows"
            ),
        ] = False,
    ) -> Response:
        """Apply the network to an image file, the body of the request."""
        work = partial(
            apply_to_file, network, job.file, job.report, format, colour == "luma", resize
        )
        if progress:
            stream = _progress_stream(request, queue, job, work)
            return _Stream(stream, media_type="application/octet-stream")
        content, output_format = await queue.compute(job, work)
        return Response(content, media_type=f"image/{output_format}")

    origin = make_origin(network.source)
    max_output_pixels = network.factor**2 * max_pixels(network.factor)

    @app.post("/convert", response_class=Response, responses=AN_IMAGE | REFUSED, openapi_extra=FILE)
    async def convert(
        job: Annotated[Job, Depends(queue.upload(max_output_pixels * MAX_PIXEL_BYTES))],
        format: Format = "png",
    ) -> Response:
        """Convert an earlier output, the body of the request, to another format."""

        def work() -> bytes:
            return encode_image(read_image(job.file, max_pixels=max_output_pixels), format, origin)

        content = await queue.compute(job, work)
        return Response(content, media_type=f"image/{format}")


class _Stream(StreamingResponse):
    """A stream that does not receive the client's disconnection, because `Queue.upload` does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.stream_response(send)


async def _progress_stream(
    request: Request, queue: Queue, job: Job, work: Callable[[], tuple[bytes, OutputFormat]]
) -> AsyncIterator[bytes]:
    """Yield lines of JSON with the progress of a job, then the image."""
    computing = asyncio.create_task(queue.compute(job, work))
    try:
        while not (await asyncio.wait([computing], timeout=PROGRESS_SECONDS))[0]:
            yield _line({"before": queue.jobs_before(job), "share": job.share})
        content, output_format = computing.result()
    except (Exception, asyncio.CancelledError) as error:
        status, detail = _status_and_content(request, error)
        yield _line({"status": status, **detail})
    else:
        yield _line({"bytes": len(content), "type": f"image/{output_format}"})
        yield content


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _add_latent(app: FastAPI, network: Network, explorer: Explorer | str, queue: Queue) -> None:
    @app.get("/latent")
    async def latent() -> dict[str, Any]:
        """Return the axes, the first latent and the codes to plot; or `why_not`."""
        if isinstance(explorer, str):
            return {"why_not": explorer}
        codes = explorer.codes if len(explorer.start) == 2 else None
        return {
            "size": len(explorer.start),
            "axes": [asdict(axis) for axis in explorer.axes],
            "start": explorer.start,
            "points": codes.latents.tolist() if codes else [],
            "classes": codes.classes if codes else [],
            "class_names": codes.class_names if codes else [],
            "colours": codes.colours if codes else [],
        }

    if isinstance(explorer, str):
        app.state.why_no_latent = dict.fromkeys(("/decode", "/encode"), explorer)
        return

    size, upload = len(explorer.start), queue.upload(MAX_BYTES)

    @app.post(
        "/decode", response_class=Response, responses=AN_IMAGE | REFUSED, openapi_extra=A_LATENT
    )
    async def decode(job: Annotated[Job, Depends(upload)]) -> Response:
        """Decode a latent vector `(D,)` and return the image as PNG."""

        def work() -> bytes:
            try:
                (latent,) = LATENT.validate_json(job.file.read_bytes()).values()
            except ValidationError:
                latent = []
            if len(latent) != size:
                raise UnusableImage(f'body: allowed: {{"latent": […]}} with {size} finite numbers')
            return encode_image(explorer.decode(latent), "png", make_origin(network.source))

        return Response(await queue.compute(job, work), media_type="image/png")

    @app.post("/encode", responses=REFUSED, openapi_extra=FILE)
    async def encode(
        job: Annotated[Job, Depends(upload)], resize: Resize = False
    ) -> dict[str, list[float]]:
        """Encode an image file, the body of the request; return its latent vector `(D,)`."""

        def work() -> list[float]:
            return explorer.encode(
                read_image(job.file, max_pixels=max_pixels(network.factor)), resize
            )

        return {"latent": await queue.compute(job, work)}


def _add_examples(app: FastAPI, network: Network, examples: Examples) -> None:
    origin = make_origin(network.source)
    images = [encode_image(picture, "png", origin) for picture in examples.pictures]

    @app.get("/examples")
    async def described() -> dict[str, Any]:
        """Return the number of example images, and how a drawing becomes the encoder input."""
        return {"count": len(images), "drawing": examples.drawing}

    @app.get("/examples/{number}", response_class=Response, responses=AN_IMAGE)
    async def example(number: int) -> Response:
        """Return an example of the encoder input, by its number from 1, as PNG."""
        if not 1 <= number <= len(images):
            allowed = f"1 to {len(images)}" if images else "none"
            raise UnusableImage(f"number: found {number}; allowed: {allowed}")
        return Response(images[number - 1], media_type="image/png")
