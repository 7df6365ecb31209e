"""`autoencoders sample`: generate new images with a trained network."""

import argparse
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from autoencoders import ready
from autoencoders.application import choose
from autoencoders.application.onnx_network import ready_coder
from autoencoders.commands import Parser, absolute_path, add_network, integer
from autoencoders.errors import UserError
from autoencoders.files import write_bytes
from autoencoders.images import output_paths
from autoencoders.images.file_names import printable
from autoencoders.images.origin import make_origin
from autoencoders.images.picture import Floats, Picture
from autoencoders.images.writing import encode_image

READY_BATCH = 64  # images of a ready network in memory
PRIOR = "standard_normal"  # the `kind` of the only prior that ready networks have


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    add_network(parser)
    parser.add_argument(
        "--count", type=integer(1), default=64, help="number of images; default: 64"
    )
    parser.add_argument(
        "--sampler",
        default="prior",
        help="distribution of the codes: prior (default), or gaussian or mixture, which are fitted "
        "to the codes of the training images",
    )
    parser.add_argument("--seed", type=integer(0), default=0, help="random seed; default: 0")
    parser.add_argument(
        "--to", type=absolute_path, required=True, metavar="OUT", help="output folder for PNG files"
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """Draw codes, decode them and write the images; yield the written paths, printable.

    An existing file is replaced only if it is an earlier sample with the same name.

    Raises:
        UserError: there is no such network, the sampler does not suit it, or the folder cannot
            be written.
    """
    if output_paths.is_file_name(options.to):
        found = printable(options.to.name)
        raise UserError(f"--to: found {found}; allowed: {output_paths.FOLDER}")
    output_paths.require_writable(options.to)
    what = options.variant, options.sampler, options.count, options.seed
    if choose.is_ready(options.variant):
        images = _draw_from_ready(*what)
    else:
        from autoencoders.application import sampling  # here, because it imports torch

        images = sampling.draw_images(*what)
    taken: set[str] = set()
    shown = tqdm(images, total=options.count, unit="image", disable=None, leave=False)
    for number, image in enumerate(shown):
        ending = f"{options.sampler}-{options.seed}-{number:05}"
        name = f"{options.variant.rpartition('/')[2]}-{ending}"
        origin = make_origin(f"{options.variant}-{ending}")
        target = output_paths.free_path(options.to / f"{name}.png", origin, taken)
        write_bytes(target, encode_image(Picture(image), "png", origin))
        yield printable(str(target))


def _draw_from_ready(name: str, sampler: str, count: int, seed: int) -> Iterator[Floats]:
    """Return an iterator over `count` new images `(C, H, W)`, float32 in [0, 1], from the prior.

    `seed` determines them; NumPy's generator draws other codes than PyTorch's.

    Raises:
        UserError: the network has no prior, or the sampler needs training images.
    """
    if sampler != "prior":
        raise UserError(
            f"--sampler: found {sampler!r}; allowed: prior, because ready networks have no "
            "training images, which other samplers are fitted to"
        )
    latents = {other: ready.card(other).latent for other in ready.names()}
    suitable = [other for other, latent in latents.items() if latent and latent.prior == PRIOR]
    if name not in suitable:
        raise UserError(f"{name} has no prior to draw from; allowed: {', '.join(suitable)}")
    coder, noise = ready_coder(name), np.random.default_rng(seed)
    batches = (min(READY_BATCH, count - start) for start in range(0, count, READY_BATCH))
    return (
        image
        for size in batches
        for image in coder.decode(noise.standard_normal((size, coder.latent_size), np.float32))
    )
