"""`autoencoders models`: list the trained networks, or show the card of a ready one."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from autoencoders import files, paths, ready, yaml12
from autoencoders.commands import Parser
from autoencoders.errors import UserError, suggestion
from autoencoders.param_types import ImageShape

Row: TypeAlias = tuple[str, ...]

HEADER: Row = ("NAME", "TASK", "IMAGES", "TRAINED ON", "PSNR", "FROM")
COLOURS = {1: "grey", 3: "colour"}  # by channels


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the card of this network")


def run(options: argparse.Namespace) -> Iterator[str]:
    """Yield a table with a line for each ready network and each variant trained in this repository.

    With a name, yield the lines of the ready network's card.

    Raises:
        UserError: no ready network has this name, or a file is damaged.
    """
    if options.name is None:
        rows = [HEADER, *map(_ready_row, ready.names()), *_trained_rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            yield "  ".join(map(str.ljust, row, widths)).rstrip()
    elif ready.is_ready(options.name):
        for key, value in yaml12.flatten(asdict(ready.card(options.name))):
            yield f"{key}: {value}"
    else:
        raise UserError(f"found {options.name!r}{suggestion(options.name, ready.names())}")


def task(record: Mapping[str, Any]) -> str:
    """Return what a network does, in a few words, from the record of its training."""
    parts = record["variant"]
    words = []
    if factor := parts["input"].get("factor"):
        words.append(f"{factor}× super-resolution")
    if "noisy" in parts["input"]["kind"]:
        words.append("denoising")
    if not words:
        words.append("VAE" if parts["objective"]["kind"] == "variational" else "autoencoder")
    if size := parts["model"].get("latent_size"):
        words.append(f"{size} numbers")
    return ", ".join(words)


def _ready_row(name: str) -> Row:
    card = ready.card(name)
    images = _images(card.input_shape, card.any_size)
    return (name, card.task, images, card.data, _decibels(card.metrics), "this package")


def _trained_rows() -> Iterator[Row]:
    """Yield a row for each variant in this repository; none outside a repository."""
    for path in sorted(Path().glob(f"{paths.model('*', '*')}/{paths.RECORD}")):
        dataset, name = path.parts[-3:-1]
        weights = path.with_name(paths.WEIGHTS)
        if name == paths.CLASSIFIER or not weights.exists():
            continue
        with files.readable(path):
            record = yaml12.parse(path.read_text("utf-8"))
            row = (f"{dataset}/{name}", task(record), _images(tuple(record["image_shape"])))
        metrics = {}
        if paths.metrics(dataset, name).exists():
            with files.readable(paths.metrics(dataset, name)) as evaluated:
                found = files.read_json(evaluated)
                if found["model_sha256"] == files.digest(weights):  # not of an earlier training
                    metrics = found
        yield (*row, record["dataset"], _decibels(metrics), "this repository")


def _images(shape: ImageShape, any_size: bool = False) -> str:
    channels, height, width = shape
    size = "any size" if any_size else f"{height}×{width}"
    return f"{size}, {COLOURS[channels]}"


def _decibels(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['psnr']:.2f} dB" if "psnr" in metrics else "–"
