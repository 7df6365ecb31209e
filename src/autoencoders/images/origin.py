"""The mark of this program's outputs: the origin of an image, in its EXIF."""

import hashlib
import os
import warnings
from pathlib import Path

from PIL import Image

SOFTWARE_TAG = 305  # the tag "Software" in EXIF and TIFF
SOFTWARE_NAME = "autoencoders"  # the start of its value


def make_origin(made_by: str, source: Path | None = None) -> str:
    """Return the origin of an output of the variant `made_by`, for its input file `source`."""
    words = [SOFTWARE_NAME, made_by]
    return " ".join(words if source is None else [*words, digest_of(os.path.realpath(source))])


def read_origin(path: Path) -> str:
    """Return the origin in an output of this program; empty for any other path."""
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises on too long a name
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a large image, which is not decoded
        try:
            with Image.open(path) as image:
                # Pillow would decode a PNG without EXIF in search of it.
                in_header = image.format == "TIFF" or "exif" in image.info
                origin = str(image.getexif().get(SOFTWARE_TAG, "")) if in_header else ""
        except Exception:  # an unreadable file is not an output
            return ""
    return origin if origin.startswith(f"{SOFTWARE_NAME} ") else ""


def digest_of(real_path: str) -> str:
    """Return the SHA-256 of a path without links, the last word of an origin."""
    return hashlib.sha256(os.fsencode(real_path)).hexdigest()
