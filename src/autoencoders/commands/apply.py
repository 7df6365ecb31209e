"""`autoencoders apply`: people's own image files through a trained variant."""

import argparse
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoencoders.application.targets import (
    ENDINGS,
    FORMATS,
    Targets,
    ending,
    origin_of,
    require_writable,
)
from autoencoders.commands import Parser, absolute, add_images
from autoencoders.errors import UserError, warn
from autoencoders.sources.names import printable

if TYPE_CHECKING:
    from autoencoders.application.given import Given
    from autoencoders.application.network import Network
    from autoencoders.application.picture import Picture


def add(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "variant",
        type=_text_and_path,
        metavar="DATASET/VARIANT",
        help="a trained variant; left out with --model",
    )
    images = add_images(parser)
    parser.add_argument(
        "--to",
        type=absolute,
        required=True,
        metavar="OUT",
        help="the folder to write into; for one image also a file",
    )
    parser.add_argument(
        "--model",
        action=_Model,
        images=images,
        metavar="URI",
        help="take a model of MLflow's, such as models:/mnist-denoise/1, for images of its size",
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="of the outputs; by default each input's, or else png"
    )
    parser.add_argument(
        "--colour",
        choices=("channels", "luma"),
        default="channels",
        help="what of a colour image goes through a grey network: each channel, or its luma alone",
    )
    parser.add_argument(
        "--compare", action="store_true", help="write each image and what became of it in one"
    )


class _Model(argparse.Action):
    """Takes the place of the variant, which is the first image then, be it the only one."""

    def __init__(self, images: argparse.Action, **options: Any) -> None:
        super().__init__(**options)
        self.images = images

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        namespace.model = values
        self.images.required = False


def _text_and_path(argument: str) -> tuple[str, Path]:
    return argument, absolute(argument)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write what the network makes of each image; yield the paths written, printable.

    An image is what the encoder sees: a noisy one for a denoiser, a small one for an upscaler. A
    file that cannot be read or does not fit costs none of the others theirs. Of all that lies in
    the folder, only what was made of the same file by the same variant is replaced.

    Raises:
        UserError: the variant is not trained; the folder cannot be written; or, after all others
            are written, a line for each file that cannot be read, does not fit, or is not written.
    """
    from tqdm import tqdm

    from autoencoders.application import formats, given
    from autoencoders.sources.pictures import Unfit

    sources = _sources(options)
    file = _file(sources, options)
    require_writable(file.parent if file else options.to)
    images, failed = given.gather(sources, options.to)
    network = _network(options)
    named = _targets(images, options, network, file)
    shallow: list[Path] = []
    lost = untried = 0
    bar = tqdm(images, unit="image", disable=None, leave=False)
    for number, image in enumerate(bar, 1):
        target, origin = named[image]
        try:
            picture = _made(image.path, network, options)
            formats.write(target, picture, origin)
        except Unfit as reason:
            failed.append(f"{printable(str(image.path))}: {reason}")
            lost += 1
        except OSError as error:
            why = error.strerror or str(error)
            failed.append(f"{printable(str(target))} cannot be written: {why}")
            lost += 1
            if error.errno not in (None, errno.ENAMETOOLONG):  # the others would fail like it
                untried = len(images) - number
                break
        else:
            if formats.written_depth(target, picture) < picture.depth:
                shallow.append(image.path)
            bar.clear()  # what is printed would stand in it
            yield printable(str(target))
    if shallow:
        others = f" and {len(shallow) - 1} more" if len(shallow) > 1 else ""
        first = printable(str(shallow[0]))
        warn(f"{first}{others}: written with fewer bits than the file has: {formats.KEPT}")
    if lost:
        rest = f", {untried} of them not tried" if untried else ""
        failed.append(f"{lost + untried} of {len(images)} images are left out{rest}")
    if failed:
        raise UserError("\n".join(failed))


def _sources(options: argparse.Namespace) -> list[Path]:
    """Return the paths of what goes through the network."""
    images: list[Path] = options.images or []
    return [options.variant[1], *images] if options.model else images


def _network(options: argparse.Namespace) -> "Network":
    from autoencoders.application import network
    from autoencoders.application.chosen import load

    if options.model:
        return network.registered_network(options.model)
    return network.trained_network(load(options.variant[0]))


def _file(sources: Sequence[Path], options: argparse.Namespace) -> Path | None:
    """Return the file that `--to` names; None where it is a folder."""
    to: Path = options.to
    kind = ENDINGS.get(to.suffix.lower())
    # Path's own raise on too long a name.
    one = len(sources) == 1 and os.path.isfile(sources[0])  # noqa: PTH113
    if not one or os.path.isdir(to):  # noqa: PTH112
        return None
    if kind is None:
        _refuse_other_formats(to)
        return None
    if options.format not in (None, kind):
        raise UserError(f"--format: found {options.format} for {printable(to.name)}: leave it out")
    return to


def _refuse_other_formats(to: Path) -> None:
    """Refuse what is meant to be a file of a format that is not written, and no folder's name."""
    from PIL import Image

    if to.suffix.lower() in Image.registered_extensions():
        allowed = ", ".join(ENDINGS)
        raise UserError(f"--to: found {printable(to.name)}; allowed: a folder, or {allowed}")


def _targets(
    images: "Sequence[Given]", options: argparse.Namespace, network: "Network", file: Path | None
) -> "dict[Given, tuple[Path, str]]":
    """Return for each image the file to write and what is to stand in it of its origin."""
    names = Targets(image.path for image in images)
    named = {}
    for image in images:
        suffix = ending(options.format, image.path)
        what = f"{network.name}-compared" if options.compare else network.name
        name = f"{image.path.stem}-{what}{suffix}"
        origin = origin_of(image.path, network.made_by)
        target = names.free(file or options.to / image.below.parent / name, origin)
        if file not in (None, target):
            raise UserError(
                f"--to: found {printable(str(file))}, which was not made of this image by this "
                "variant; allowed: a new file, or a folder"
            )
        named[image] = target, origin
    return named


def _made(path: Path, network: "Network", options: argparse.Namespace) -> "Picture":
    """Return what is to be written of an image file."""
    from autoencoders.application import colour, picture

    seen = picture.read(path)
    if options.resize:
        seen = picture.fitted(seen, *network.input_shape[1:])
    made = colour.through(network, seen, luma=options.colour == "luma")
    return colour.side_by_side(seen, made) if options.compare else made
