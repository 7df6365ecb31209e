"""`autoencoders check`: validate params.yaml."""

import argparse
from collections.abc import Iterator

from autoencoders import params, paths


def run(options: argparse.Namespace) -> Iterator[str]:
    """Yield the number of trainings, or raise a `UserError` with a line for each mistake."""
    loaded = params.load()
    runs = len(loaded.datasets_to_run) * len(loaded.variants_to_run)
    yield f"{paths.PARAMS} is valid; number of trainings: {runs}"
