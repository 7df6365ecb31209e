"""The image formats that Pillow can open here, with its plug-ins."""

import importlib
from contextlib import suppress
from functools import cache

from PIL import Image

PLUG_INS = ("pillow_heif.HeifImagePlugin", "pillow_jxl")  # an import adds their formats to Pillow
NO_IMAGES = ("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF")  # read by other programs only
EXAMPLES = "images that Pillow opens here, such as .png, .jpg, .tif or .webp"


@cache
def image_extensions() -> frozenset[str]:
    """Return the extensions of all image formats that Pillow can open here, in lower case."""
    for plug_in in PLUG_INS:
        with suppress(ImportError):
            importlib.import_module(plug_in)
    formats = Image.registered_extensions()  # imports Pillow's own plug-ins
    opened = {*Image.OPEN, "MPO"} - {*NO_IMAGES}  # an MPO is opened as a JPEG
    return frozenset(extension for extension, format in formats.items() if format in opened)
