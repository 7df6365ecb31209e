"""`autoencoders serve`: a trained variant as a page, and by HTTP."""

import argparse
import errno
import ipaddress
import socket
import warnings
from collections.abc import Iterator
from contextlib import suppress

import uvicorn

from autoencoders.application.find_variant import load
from autoencoders.application.network import registered_network, trained_network
from autoencoders.commands import Parser, add_precision, ignore_signals, whole_number
from autoencoders.errors import UserError, warn
from autoencoders.images.file_names import printable
from autoencoders.serving.app import create_app
from autoencoders.serving.latent_explorer import create_explorer

HERE = ("localhost", "127.0.0.1", "[::1]")  # what a browser calls this machine on loopback
WAITING = 2048  # connections that are not answered yet
LAST_ANSWERS = 2  # seconds that answers have after Ctrl-C


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("variant", nargs="?", metavar="DATASET/VARIANT", help="a trained variant")
    what.add_argument(
        "--model",
        metavar="URI",
        help="take a model of MLflow's, such as models:/mnist-denoise/1, for images of its size",
    )
    parser.add_argument(
        "--port",
        type=whole_number(0, 65535),
        default=8000,
        help="8000 by default; 0 takes any that is free",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="who may ask: 127.0.0.1, this machine alone, by default; 0.0.0.0, all that reach it",
    )
    add_precision(parser)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Serve until Ctrl-C, which is how it is meant to end; yield the address.

    Raises:
        UserError: the variant is not trained, or the address cannot be listened on.
    """
    with _listening(options.host, options.port) as listening:
        host, port = listening.getsockname()[:2]
        alone = ipaddress.ip_address(host).is_loopback
        address = f"[{host}]" if ":" in host else host
        if options.variant:
            trained = load(options.variant)
            walk = create_explorer(trained)
            network = trained_network(trained, options.precision)
        else:
            walk = "a model of MLflow's has no latents"
            network = registered_network(options.model)
        app = create_app(network, walk, (*HERE, address) if alone else ("*",))
        # What goes wrong with a request is answered, and said by the application itself.
        config = uvicorn.Config(
            app,
            log_config=None,  # it would close the handlers of all other libraries
            log_level="critical",
            timeout_graceful_shutdown=LAST_ANSWERS,
            lifespan="off",
        )
        if not alone:
            warn(f"--host {options.host}: whoever reaches this machine may use the network")
        yield f"{network.source}: http://{address}:{port} (Ctrl-C ends it)"
        with warnings.catch_warnings(), suppress(KeyboardInterrupt):
            # Of a coroutine, where Ctrl-C comes before its first line.
            warnings.simplefilter("ignore", RuntimeWarning)
            uvicorn.Server(config).run([listening])
        ignore_signals()


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that who connects from now on is answered in the end."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} is taken: end what listens there, or give --port 0 for any that is "
                "free"
            ) from None
        why = (error.strerror or str(error)).partition(" (while")[0]  # the address stands here
        raise UserError(
            f"--host {printable(host)} --port {port} cannot be listened on ({why}); allowed: an "
            "address of this machine, and a port that you may take, or 0 for any"
        ) from None
