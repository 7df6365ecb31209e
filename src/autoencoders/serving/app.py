"""The page and what it asks, as one application: the same by HTTP for programs."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import Field, TypeAdapter, ValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from autoencoders.application.network import Network
from autoencoders.errors import warn
from autoencoders.images.output_paths import SOFTWARE_NAME
from autoencoders.images.picture import TooLarge, UnusableImage, WrongSize
from autoencoders.images.reading import read_image
from autoencoders.images.writing import encode_image
from autoencoders.params import suggestion
from autoencoders.serving.apply_image import MAX_BYTES, OutputFormat, apply_to_file, max_pixels
from autoencoders.serving.latent_explorer import Explorer
from autoencoders.serving.queue import Job, Queue

PAGE = {  # the files of the page, and what each is
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
# The page asks for nothing but its own, and runs nothing but its own.
SAFE = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
DEEPEST = 8  # bytes of a pixel, of 16 bits per channel with an alpha
TELLING = 0.25  # seconds between two lines on how far an image is
LARGEST = 3.4e38  # what a number of 32 bits can be, nearly
Resize: TypeAlias = Annotated[
    bool, Query(description="cut to the square in the middle, and resample that")
]
NUMBER: TypeAlias = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
LATENT = TypeAdapter(Annotated[dict[Literal["latent"], list[NUMBER]], Field(min_length=1)])
IMAGE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILE = {"requestBody": {"required": True, "content": {"image/*": IMAGE}}}
JSON = {"application/json": {"schema": LATENT.json_schema()}}
A_LATENT = {"requestBody": {"required": True, "content": JSON}}
AN_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "the image", "content": {"image/*": IMAGE}},
}
REFUSED: dict[int | str, dict[str, Any]] = {
    413: {"description": "too many bytes or pixels; `detail` says how many are allowed"},
    415: {"description": "a form; allowed: the file itself as the body"},
    422: {"description": "no image, a damaged one, or one that does not fit; `detail` says why"},
}


def create_app(
    network: Network, explorer: Explorer | str, hosts: Sequence[str] = ("*",)
) -> FastAPI:
    """Return the application that serves a trained network.

    Args:
        network: what images go through.
        explorer: what to walk through, or why there is nothing.
        hosts: what requests may call this machine. On loopback these are its names there, as a
            page from elsewhere may have its own name lead here.
    """
    app = FastAPI(
        title=f"autoencoders: {network.source}",
        docs_url=None,  # it would come from elsewhere; /openapi.json is ours
        redoc_url=None,
        dependencies=[Depends(_require_described)],
    )
    if "*" not in hosts:
        app.router.dependencies.append(Depends(_require_own_page))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    for kind in (Exception, InterruptedError, RequestValidationError, UnusableImage):
        app.add_exception_handler(kind, _refuse)
    for address, (name, media_type) in PAGE.items():
        file = FileResponse(Path(__file__).with_name(name), headers=SAFE, media_type=media_type)
        app.router.routes.append(Route(address, file, methods=["GET"]))
    queue = Queue()
    _add_network(app, network, queue)
    _add_latent(app, network, explorer, queue)
    return app


async def _require_own_page(request: Request) -> None:
    """Refuse what a page from elsewhere has a browser ask here."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("//")[2] != request.headers["host"]:
        raise HTTPException(
            403, f"a page from elsewhere asks ({origin}); allowed: this server's own"
        )


async def _require_described(request: Request) -> None:
    """Refuse query parameters that /openapi.json does not have: they would be ignored."""
    address = request.app.openapi()["paths"][request.scope["route"].path]
    described = address[request.method.lower()].get("parameters", [])
    known = [one["name"] for one in described if one["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            hint = suggestion(name, known) if known else "; allowed: none here"
            raise HTTPException(422, f"{name}: no such query parameter{hint}")


async def _refuse(request: Request, error: Exception) -> Response:
    status, refusal = _refusal(request, error)
    return JSONResponse(refusal, status)


def _refusal(request: Request, error: BaseException) -> tuple[int, dict[str, str]]:
    """Return the status and the content of an answer, `{"detail": …}`, to whatever goes wrong."""
    match error:
        case TooLarge():
            return 413, {"detail": str(error)}
        case WrongSize():  # the page has a box to tick where programs have a parameter
            return 422, {"detail": str(error), "mend": "resize"}
        case UnusableImage():
            return 422, {"detail": str(error)}
        case RequestValidationError():
            mistake = error.errors()[0]
            allowed = "true or false" if mistake["type"] == "bool_parsing" else mistake["msg"]
            allowed = allowed.removeprefix("Input should be ")
            return 422, {"detail": f"{mistake['loc'][-1]}: allowed: {allowed}"}
        case InterruptedError() | asyncio.CancelledError():
            return 503, {"detail": "the server is ending: ask again when it runs"}
    said = f"a fault of ours ({type(error).__name__}: {error})"
    warn(f"{request.method} {request.url.path}: {said}")
    return 500, {"detail": said}


def _add_network(app: FastAPI, network: Network, queue: Queue) -> None:
    @app.get("/about")
    async def about() -> dict[str, Any]:
        """Say what is served, and what it takes."""
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
            OutputFormat | None,
            Query(description="of the answer; by default the file's own, or png"),
        ] = None,
        colour: Annotated[
            Literal["channels", "luma"],
            Query(description="what of a colour image goes through a grey network"),
        ] = "channels",
        resize: Resize = False,
        progress: Annotated[
            bool,
            Query(
                description="answer in lines of JSON: how many images are `before` this one and "
                "what `share` of it is through; then what is wrong (`detail`), or how many `bytes` "
                "follow, which are the image"
            ),
        ] = False,
    ) -> Response:
        """Put an image file, which is the request's body, through the network."""
        work = partial(
            apply_to_file, network, job.file, job.report, format, colour == "luma", resize
        )
        if progress:
            told = _told(request, queue, job, work)
            return _Lines(told, media_type="application/octet-stream")
        content, kind = await queue.compute(job, work)
        return Response(content, media_type=f"image/{kind}")

    origin = f"{SOFTWARE_NAME} {network.source}"
    most = network.factor**2 * max_pixels(network.factor)

    @app.post("/convert", response_class=Response, responses=AN_IMAGE | REFUSED, openapi_extra=FILE)
    async def convert(
        job: Annotated[Job, Depends(queue.upload(most * DEEPEST))], format: OutputFormat = "png"
    ) -> Response:
        """Return an image that was answered, which is the request's body, in another format."""

        def work() -> bytes:
            return encode_image(read_image(job.file, max_pixels=most), format, origin)

        content = await queue.compute(job, work)
        return Response(content, media_type=f"image/{format}")


class _Lines(StreamingResponse):
    """A stream that listens for no end of the connection itself, as its job does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.stream_response(send)


async def _told(
    request: Request, queue: Queue, job: Job, work: Callable[[], tuple[bytes, OutputFormat]]
) -> AsyncIterator[bytes]:
    """Yield lines of JSON on how far a job is, and then the image that it makes."""
    computing = asyncio.create_task(queue.compute(job, work))
    try:
        while not (await asyncio.wait([computing], timeout=TELLING))[0]:
            yield _line({"before": queue.jobs_before(job), "share": job.share})
        content, kind = computing.result()
    except (Exception, asyncio.CancelledError) as error:
        status, refusal = _refusal(request, error)
        yield _line({"status": status, **refusal})
    else:
        yield _line({"bytes": len(content), "type": f"image/{kind}"})
        yield content


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told).encode() + b"\n"


def _add_latent(app: FastAPI, network: Network, explorer: Explorer | str, queue: Queue) -> None:
    @app.get("/latent")
    async def latent() -> dict[str, Any]:
        """Say what there is to walk through: axes, a latent to start from, codes; or why not."""
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
        return

    size, received = len(explorer.start), queue.upload(MAX_BYTES)

    @app.post(
        "/decode", response_class=Response, responses=AN_IMAGE | REFUSED, openapi_extra=A_LATENT
    )
    async def decode(job: Annotated[Job, Depends(received)]) -> Response:
        """Return the image of a latent, as PNG."""

        def work() -> bytes:
            try:
                (latent,) = LATENT.validate_json(job.file.read_bytes()).values()
            except ValidationError:
                latent = []
            if len(latent) != size:
                raise UnusableImage(f'allowed: {{"latent": […]}}, of {size} finite numbers')
            return encode_image(explorer.decode(latent), "png", f"{SOFTWARE_NAME} {network.source}")

        return Response(await queue.compute(job, work), media_type="image/png")

    @app.post("/encode", responses=REFUSED, openapi_extra=FILE)
    async def encode(
        job: Annotated[Job, Depends(received)], resize: Resize = False
    ) -> dict[str, list[float]]:
        """Return the latent of an image file, which is the request's body."""

        def work() -> list[float]:
            return explorer.encode(
                read_image(job.file, max_pixels=max_pixels(network.factor)), resize
            )

        return {"latent": await queue.compute(job, work)}
