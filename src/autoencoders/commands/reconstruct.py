"""`autoencoders reconstruct`: people's own image files through a trained variant."""

import argparse
import errno
import hashlib
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from autoencoders import paths
from autoencoders.commands import Commands
from autoencoders.errors import UserError
from autoencoders.files import atomic_file
from autoencoders.keys import ImageShape
from autoencoders.lazy import Tensor, torch
from autoencoders.pipeline import Item
from autoencoders.sources.names import printable

BATCH = 64  # images in memory at once
ORIGIN = "autoencoders"  # the PNG's text that says what made it, of what


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("reconstruct", help="put image files through a trained variant")
    parser.add_argument("dataset")
    parser.add_argument("variant")
    parser.add_argument("images", nargs="+", type=_absolute, help="what the encoder is to see")
    parser.add_argument("--to", type=_absolute, required=True, help="the folder to write PNGs into")
    parser.add_argument(
        "--resize",
        action="store_true",
        help="cut images of other sizes to the square in their middle, and resample them",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write each image's reconstruction into a folder as a PNG; yield the paths written, printable.

    An image is what the encoder sees: a noisy one for a denoiser, a small one for an upscaler. A
    file that cannot be read or does not fit costs none of the others theirs. Of all that lies in
    the folder, only what was made of the same file by the same variant is replaced.

    Raises:
        UserError: the variant is not trained; the folder cannot be written; or, after all others
            are written, a line for each file that cannot be read or is not of the size that the
            variant was trained on.
    """
    from autoencoders.device import exact_device
    from autoencoders.sources.pictures import Unfit
    from autoencoders.trained import variant

    _require_writable(options.to)
    item = Item("train", options.dataset, options.variant)
    folder = paths.model(item.dataset, item.variant)
    _require_trained(item)
    device = exact_device()
    _, assembled = variant.load(folder, item.name, device)
    targets = _targets(options.images, options.to, item)
    images, failed = list(targets), []
    for start in range(0, len(images), BATCH):
        read: dict[Path, Tensor] = {}
        for image in images[start : start + BATCH]:
            try:
                read[image] = _read(image, assembled.plan.input_shape, options.resize)
            except Unfit as reason:
                failed.append(f"{printable(str(image))}: {reason}")
        if not read:
            continue
        with torch.no_grad():
            outputs = assembled.model(torch.stack(list(read.values())).to(device)).cpu()
        for image, output in zip(read, outputs, strict=True):
            try:
                _write(targets[image], output, _origin(image, item))
            except OSError as error:
                why = error.strerror or str(error)
                failed.append(f"{printable(str(targets[image]))} cannot be written: {why}")
                if error.errno != errno.ENAMETOOLONG:  # the others would fail like it
                    raise UserError("\n".join(failed)) from None
            else:
                yield printable(str(targets[image]))
    if failed:
        raise UserError("\n".join([*failed, f"{len(failed)} of {len(images)} images are left out"]))


def _absolute(argument: str) -> Path:
    """Return the caller's path, with the names that it was given: links are not resolved."""
    if not argument:  # it would be the caller's folder
        raise argparse.ArgumentTypeError("found ''; allowed: a path")
    return Path(argument).absolute()


def _require_trained(item: Item) -> None:
    from autoencoders.params import suggestion
    from autoencoders.trained.weights import WEIGHTS

    found = sorted(Path().glob(f"{paths.model('*', '*')}/{WEIGHTS}"))
    trained = [" ".join(path.parent.parts[-2:]) for path in found]
    named = f"{item.dataset} {item.variant}"
    if named not in trained:
        known = [name for name in trained if name.split()[1] != paths.CLASSIFIER]
        if not known:
            raise UserError(f"{named} is not trained: run `dvc repro {item.name}`")
        raise UserError(f"{named} is not trained{suggestion(named, known)}, or train it first")


def _require_writable(folder: Path) -> None:
    """Refuse a folder that cannot be made or written; it is made when something is written."""
    place = next(p for p in (folder, *folder.parents) if os.path.lexists(p))
    try:
        tempfile.TemporaryDirectory(dir=place).cleanup()
    except OSError as error:
        raise UserError(
            f"--to: found {printable(str(folder))}, which cannot be written ({error.strerror}: "
            f"{printable(str(place))}); allowed: a folder, there or new"
        ) from None


def _targets(images: Sequence[Path], to: Path, item: Item) -> dict[Path, Path]:
    """Return the file to write for each image, which nothing else has: no image, input or output.

    One file counts once, by whatever names it is given. Names that differ in case alone are one, as
    many systems have it.
    """
    distinct: dict[str, Path] = {}  # by what they lead to
    for image in images:
        distinct.setdefault(os.path.realpath(image), image)
    taken = {_seen_as(path) for real, image in distinct.items() for path in (Path(real), image)}
    targets = {}
    for image in distinct.values():
        for n in count(1):
            target = to / f"{image.stem}-{item.variant}{f'-{n}' if n > 1 else ''}.png"
            if _seen_as(target) not in taken and _may_replace(target, _origin(image, item)):
                break
        targets[image] = target
        taken.add(_seen_as(target))
    return targets


def _origin(image: Path, item: Item) -> str:
    """Return what tells an output from all others; it gives no name of a folder away."""
    content = os.fsencode(os.path.realpath(image))
    return f"{item.dataset} {item.variant} {hashlib.sha256(content).hexdigest()}"


def _may_replace(target: Path, origin: str) -> bool:
    """Return whether there is nothing, or an earlier output that says the same of itself."""
    from PIL import Image

    if not os.path.lexists(target):
        return True
    try:
        with Image.open(target) as image:
            return image.info.get(ORIGIN) == origin
    except Exception:  # whatever it is, it is not ours
        return False


def _seen_as(path: Path) -> str:
    """Return what two names of one file have in common on any system."""
    real = Path(os.path.realpath(path.parent), path.name)
    return unicodedata.normalize("NFC", str(real)).casefold()


def _read(path: Path, shape: ImageShape, resize: bool) -> Tensor:
    """Return an image as the encoder takes it, `(C, H, W)`."""
    from autoencoders.sources import pictures

    channels, height, width = shape
    pixels = pictures.read(path, channels, height if resize else None).pixels
    if pixels.shape != shape:
        raise pictures.Unfit(
            f"{pixels.shape[2]}×{pixels.shape[1]} pixels; this variant takes {width}×{height}: "
            "resize it, or give --resize to have the square in its middle resampled"
        )
    return torch.from_numpy(pixels.copy()).float() / 255


def _write(target: Path, image: Tensor, origin: str) -> None:
    from PIL import Image, PngImagePlugin

    pixels = image.mul(255).round().byte().permute(1, 2, 0).squeeze(2).numpy()
    text = PngImagePlugin.PngInfo()
    text.add_text(ORIGIN, origin)
    with atomic_file(target) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", pnginfo=text)
