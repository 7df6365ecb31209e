"""The folder of the page, for any static host."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autoencoders import files
from autoencoders.errors import UserError
from autoencoders.figures.section import make_sheet, sheet_layout
from autoencoders.images.file_names import printable
from autoencoders.site.drawing import ASSETS
from autoencoders.site.networks import Exhibit, describe, describe_images, shown_images
from autoencoders.site.runtime import runtime_files

PAGE = ("index.html", "index.css", "index.js", "common.css", "drawing.js", "plane.js")
NETWORKS, RUNTIME = "networks.json", "runtime"
WRITTEN = "files"  # the entry of networks.json with the names of all other files


def require_replaceable(target: Path) -> None:
    """Raise a `UserError` unless the target is new, an empty folder or only an earlier page."""
    if not target.is_symlink() and not target.exists():
        return
    shown, allowed = printable(str(target)), "allowed: a new folder, an empty one or a page"
    if target.is_symlink() or not target.is_dir():
        raise UserError(f"--to: found {shown}, which is not a folder; {allowed}")
    if others := sorted(_names(target) - _written(target)):
        named = files.shortened(printable(", ".join(others)))
        raise UserError(f"--to: found other files in {shown}: {named}; {allowed}")


def _names(folder: Path) -> set[str]:
    """Return the relative paths of all files in a folder."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix() for path in found}


def _written(folder: Path) -> set[str]:
    """Return the relative paths of the files that `write` has written into a folder."""
    try:
        content = files.read_json(folder / NETWORKS)
    except (OSError, ValueError):
        return set()
    return {NETWORKS, *content.get(WRITTEN, ())} if isinstance(content, dict) else set()


def write(target: Path, exhibits: Sequence[Exhibit], runtime: Path | None) -> int:
    """Write the page with these networks; return the size of the folder in bytes.

    `runtime` is the folder of onnxruntime-web; None downloads it.

    Raises:
        UserError: onnxruntime-web is not available.
    """
    with runtime_files(runtime) as libraries, files.atomic_directory(target) as folder:
        for name in PAGE:
            shutil.copyfile(ASSETS / name, folder / name)
        (folder / RUNTIME).mkdir()
        for path in libraries:
            shutil.copyfile(path, folder / RUNTIME / path.name)
        content = _write_networks(folder, exhibits)
        content[WRITTEN] = sorted(_names(folder))
        (folder / NETWORKS).write_text(json.dumps(content), encoding="utf-8")
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _write_networks(folder: Path, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
    """Write the networks and a sheet of test images per dataset; return their descriptions."""
    names = dict.fromkeys(exhibit.dataset for exhibit in exhibits)
    shown = {name: images for name in names if (images := shown_images(name))}
    for name, images in shown.items():
        make_sheet(images.images).save(folder / f"{name}.png")
    for exhibit in exhibits:
        for part, file in exhibit.files().items():
            (folder / file).write_bytes(exhibit.content(part))
    datasets = {
        name: describe_images(images)
        | {"sheet": f"{name}.png", "columns": sheet_layout(len(images.images))[0]}
        for name, images in shown.items()
    }
    networks = [describe(exhibit, shown.get(exhibit.dataset)) for exhibit in exhibits]
    return {"networks": networks, "datasets": datasets}
