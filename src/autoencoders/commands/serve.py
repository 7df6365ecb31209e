"""`autoencoders serve`: serve a trained network as a web page and over HTTP."""

import argparse
import errno
import ipaddress
import socket
import warnings
from collections.abc import Iterator
from contextlib import suppress

from autoencoders.application import choose
from autoencoders.application.network import Network, Precision
from autoencoders.application.onnx_network import ready_network
from autoencoders.commands import Parser, add_network, add_precision, ignore_signals, integer
from autoencoders.errors import UserError, warn
from autoencoders.images.file_names import printable
from autoencoders.serving.app import create_app
from autoencoders.serving.connections import Server
from autoencoders.serving.content import Examples, Explorer, ready_examples, ready_explorer
from autoencoders.serving.queue import temporary_file

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")  # names of this machine in a browser
BACKLOG = 2048  # connections that wait to be accepted


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    model = parser.add_mutually_exclusive_group(required=True)
    add_network(model, nargs="?")
    model.add_argument(
        "--model",
        metavar="URI",
        help="a registered model instead, such as models:/mnist-denoise/1; it takes one image size",
    )
    parser.add_argument(
        "--port", type=integer(0, 65535), default=8000, help="default: 8000; 0 takes any free port"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="listen on 127.0.0.1 (default) for this machine only, on 0.0.0.0 for all machines",
    )
    add_precision(parser)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Serve until Ctrl-C, which is no error; yield the address.

    Raises:
        UserError: there is no such network, or the address cannot be used.
    """
    with _listening(options.host.strip("[]"), options.port) as listening:
        host, port = listening.getsockname()[:2]
        alone = ipaddress.ip_address(host).is_loopback
        address = f"[{host}]" if ":" in host else host
        examples = Examples()
        if options.variant:
            network, explorer, examples = _load(options.variant, options.precision)
        else:
            explorer = "a registered model of MLflow gives no access to its latents"
            network = choose.registered_network(options.model)
        app = create_app(network, explorer, (*LOCAL_HOSTS, address) if alone else ("*",), examples)
        with suppress(OSError), temporary_file():  # removes what a killed server has left
            pass
        if not alone:
            warn(f"--host {options.host}: every machine that reaches this one can use the server")
        if host == "::" and not socket.has_dualstack_ipv6():
            warn("--host ::: this system accepts only IPv6 here; use --host 0.0.0.0 for IPv4")
        yield f"{network.source}: http://{address}:{port} (Ctrl-C stops it)"
        with warnings.catch_warnings(), suppress(KeyboardInterrupt):
            # If Ctrl-C comes before a coroutine starts, Python warns that it was never awaited.
            warnings.simplefilter("ignore", RuntimeWarning)
            Server(app).run([listening])
        ignore_signals()


def _load(variant: str, precision: Precision) -> tuple[Network, Explorer | str, Examples]:
    """Return a network, the explorer of its latents or why there is none, and its examples."""
    if choose.is_ready(variant):
        return ready_network(variant), ready_explorer(variant), ready_examples(variant)
    # Here, because these modules import torch.
    from autoencoders.application.find_variant import load
    from autoencoders.application.torch_network import trained_network
    from autoencoders.serving.trained_content import create_examples, create_explorer

    trained = load(variant)
    return trained_network(trained, precision), create_explorer(trained), create_examples(trained)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens: clients may connect before the server is ready."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # `::` includes IPv4
    try:
        return socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"--port: found {port}, which another program uses; allowed: a free port, or 0 for "
                "any free one"
            ) from None
        why = (error.strerror or str(error)).partition(" (while")[0]  # it repeats the address
        raise UserError(
            f"cannot listen on --host {printable(host)} --port {port} ({why}); allowed: an address "
            "of this machine, and a port that you may use, or 0 for any free one"
        ) from None
