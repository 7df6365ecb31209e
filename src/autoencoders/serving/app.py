"""The page and what it asks, as one application: the same by HTTP for programs."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from autoencoders.application.network import Network
from autoencoders.errors import warn
from autoencoders.images import reading
from autoencoders.images.picture import Unfit
from autoencoders.params import suggestion
from autoencoders.serving.applying import (
    MOST_BYTES,
    Kind,
    Made,
    OtherSize,
    TooLarge,
    applied,
    encoded,
    fitting,
    most_pixels,
    reencoded,
    require_pixels,
)
from autoencoders.serving.explorer import Explorer
from autoencoders.serving.working import Workplace

PAGE = {  # the files of the page, and what each is
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
# The page asks for nothing but its own, and runs nothing but its own.
SAFE = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
LARGEST = 3.4e38  # what a number of 32 bits can be, nearly
Resize: TypeAlias = Annotated[
    bool, Query(description="cut to the square in the middle, and resample that")
]
Ticket: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
IMAGE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILE = {"requestBody": {"required": True, "content": {"image/*": IMAGE}}}
AN_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "the image", "content": {"image/*": IMAGE}},
}
REFUSED: dict[int | str, dict[str, Any]] = {
    413: {"description": "too many bytes or pixels; `detail` says how many are allowed"},
    415: {"description": "a form; allowed: the file itself as the body"},
    422: {"description": "no image, a damaged one, or one that does not fit; `detail` says why"},
}


def application(
    network: Network,
    explorer: Explorer | str,
    workplace: Workplace,
    hosts: Sequence[str] = ("*",),
) -> FastAPI:
    """Return the application that serves a trained network.

    Args:
        network: what images go through.
        explorer: what to walk through, or why there is nothing.
        workplace: where it is computed; an open context.
        hosts: what requests may call this machine. On loopback these are its names there, as a
            page from elsewhere may have its own name lead here.
    """
    app = FastAPI(
        title=f"autoencoders: {network.made_by}",
        docs_url=None,  # it would come from elsewhere; /openapi.json is ours
        redoc_url=None,
        dependencies=[Depends(_require_described)],
    )
    if "*" not in hosts:
        app.router.dependencies.append(Depends(_require_own_page))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    _add_page(app)
    _add_answers_to_mistakes(app)
    _add_network(app, network, workplace)
    _add_progress(app, network, workplace)
    _add_latent(app, network, explorer, workplace)
    return app


def _add_page(app: FastAPI) -> None:
    def file(name: str, media_type: str) -> Callable[[], Response]:
        content = Path(__file__).with_name(name).read_bytes()
        return lambda: Response(content, media_type=media_type, headers=SAFE)

    for address, (name, media_type) in PAGE.items():
        methods = ["GET", "HEAD"]
        app.api_route(address, methods=methods, include_in_schema=False)(file(name, media_type))


async def _require_own_page(request: Request) -> None:
    """Refuse what a page from elsewhere has a browser ask here."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("//")[2] != request.headers["host"]:
        raise HTTPException(
            403, f"a page from elsewhere asks ({origin}); allowed: this server's own"
        )


async def _require_described(request: Request) -> None:
    """Refuse query parameters that /openapi.json does not have: they would be ignored."""
    address = request.app.openapi()["paths"].get(request.scope["route"].path)
    if address is None:  # the page's own files
        return
    described = address[request.method.lower()].get("parameters", [])
    known = [one["name"] for one in described if one["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            hint = suggestion(name, known) if known else "; allowed: none here"
            raise HTTPException(422, f"{name}: no such query parameter{hint}")


def _add_answers_to_mistakes(app: FastAPI) -> None:
    """Answer whatever goes wrong with a status and a line, `{"detail": …}`."""

    @app.exception_handler(TooLarge)
    def too_large(request: Request, reason: TooLarge) -> Response:
        return JSONResponse({"detail": str(reason)}, 413)

    @app.exception_handler(OtherSize)
    def other_size(request: Request, reason: OtherSize) -> Response:
        # The page has a box to tick where programs have a parameter.
        return JSONResponse({"detail": str(reason), "mend": "resize"}, 422)

    @app.exception_handler(Unfit)
    def unfit(request: Request, reason: Unfit) -> Response:
        return JSONResponse({"detail": str(reason)}, 422)

    @app.exception_handler(InterruptedError)
    def ended(request: Request, reason: InterruptedError) -> Response:
        return JSONResponse({"detail": "the server is ending: ask again when it runs"}, 503)

    @app.exception_handler(RequestValidationError)
    def mistaken(request: Request, error: RequestValidationError) -> Response:
        mistake = error.errors()[0]
        said = mistake["msg"].removeprefix("Input should be ")
        said = said.replace("String should match pattern", "what matches")
        if mistake["type"] == "bool_parsing":
            said = "true or false"
        where = mistake["loc"][-1]
        return JSONResponse({"detail": f"{where}: allowed: {said}"}, 422)

    @app.exception_handler(Exception)
    def fault(request: Request, error: Exception) -> Response:
        said = f"a fault of ours ({type(error).__name__}: {error})"
        warn(f"{request.method} {request.url.path}: {said}")
        return JSONResponse({"detail": said}, 500)


def _add_network(app: FastAPI, network: Network, workplace: Workplace) -> None:
    @app.get("/about")
    def about() -> dict[str, Any]:
        """Say what is served, and what it takes."""
        return {
            "variant": network.made_by,
            "input_shape": network.input_shape,
            "image_shape": network.image_shape,
            "any_size": network.geometry is not None,
            "most_bytes": MOST_BYTES,
            "most_pixels": most_pixels(network.factor),
        }

    @app.post("/apply", response_class=Response, responses=AN_IMAGE | REFUSED, openapi_extra=FILE)
    async def apply(
        request: Request,
        format: Annotated[
            Kind | None, Query(description="of the answer; by default the file's own, or png")
        ] = None,
        colour: Annotated[
            Literal["channels", "luma"],
            Query(description="what of a colour image goes through a grey network"),
        ] = "channels",
        resize: Resize = False,
        ticket: Annotated[
            Ticket | None,
            Query(description="32 random hex digits, to ask /progress and /made by"),
        ] = None,
    ) -> Response:
        """Put an image file, which is the request's body, through the network."""
        with workplace.progress(ticket) as progress:
            watched = workplace.watched(network, progress)
            async with workplace.received(request) as file:

                def job() -> Made:
                    made = applied(watched, file, progress, format, colour == "luma", resize)
                    if ticket is not None:
                        workplace.kept.put(ticket, made.content)
                    return made

                made = await workplace.compute(request, job, progress)
        return Response(made.content, media_type=f"image/{made.kind}")


def _add_progress(app: FastAPI, network: Network, workplace: Workplace) -> None:
    @app.get("/progress/{ticket}")
    async def progress(ticket: Ticket) -> dict[str, int | float | None]:
        """Say how many images are before that of a ticket, and what share of it is through.

        `before` is null while its file is on its way, and when it is answered.
        """
        before, share = workplace.how_far(ticket)
        return {"before": before, "share": share}

    @app.get("/made/{ticket}", response_class=Response, responses=AN_IMAGE)
    async def made(request: Request, ticket: Ticket, format: Kind = "png") -> Response:
        """Return what was answered for a ticket in another format; the last few are kept."""

        def job() -> bytes:
            file = workplace.kept.file(ticket)
            if file is None:
                raise HTTPException(404, "it is not kept, or no more: ask /apply again")
            return reencoded(file, format, network.made_by)

        return Response(await workplace.compute(request, job), media_type=f"image/{format}")


def _add_latent(
    app: FastAPI, network: Network, explorer: Explorer | str, workplace: Workplace
) -> None:
    @app.get("/latent")
    def latent() -> dict[str, Any]:
        """Say what there is to walk through: axes, a latent to start from, codes; or why not."""
        if isinstance(explorer, str):
            return {"why_not": explorer}
        codes = explorer.codes
        shown = codes is not None and len(explorer.start) == 2
        return {
            "size": len(explorer.start),
            "axes": [asdict(axis) for axis in explorer.axes],
            "start": explorer.start,
            "points": codes.latents.tolist() if codes and shown else [],
            "classes": codes.classes if codes and shown else [],
            "class_names": codes.class_names if codes and shown else [],
            "colours": codes.colours if codes and shown else [],
        }

    if isinstance(explorer, str):
        return

    size = len(explorer.start)
    form = _form(size)

    @app.post(
        "/decode",
        response_class=Response,
        responses=AN_IMAGE | REFUSED,
        openapi_extra=_json(form),
    )
    async def decode(request: Request) -> Response:
        """Return the image of a latent, as PNG."""
        async with workplace.received(request) as file:
            try:
                latent = form.validate_json(file.read_bytes())["latent"]
            except ValidationError:
                raise Unfit(f'allowed: {{"latent": […]}}, of {size} finite numbers') from None

            def job() -> bytes:
                return encoded(explorer.decode(latent), "png", network.made_by)

            return Response(await workplace.compute(request, job), media_type="image/png")

    @app.post("/encode", responses=REFUSED, openapi_extra=FILE)
    async def encode(request: Request, resize: Resize = False) -> dict[str, list[float]]:
        """Return the latent of an image file, which is the request's body."""
        async with workplace.received(request) as file:

            def job() -> list[float]:
                require_pixels(file, network.factor)
                return explorer.encode(fitting(reading.read(file), network, resize))

            return {"latent": await workplace.compute(request, job)}


def _form(size: int) -> TypeAdapter[dict[Literal["latent"], list[float]]]:
    """Return what holds JSON against `{"latent": […]}`, of so many numbers."""
    number = Annotated[FiniteFloat, Field(ge=-LARGEST, le=LARGEST)]
    numbers = Annotated[list[number], Field(min_length=size, max_length=size)]
    return TypeAdapter(
        Annotated[dict[Literal["latent"], numbers], Field(min_length=1, max_length=1)]
    )


def _json(form: TypeAdapter[Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": form.json_schema()}}
    return {"requestBody": {"required": True, "content": content}}
