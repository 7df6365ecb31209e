"""`autoencoders check`: say whether params.yaml is valid."""

import argparse
from collections.abc import Iterator

from autoencoders import params, paths


def run(options: argparse.Namespace) -> Iterator[str]:
    """Say that params.yaml is valid, or raise a `UserError` with a line for each mistake."""
    loaded = params.load()
    runs = len(loaded.datasets_to_run) * len(loaded.variants_to_run)
    yield f"{paths.PARAMS} is valid: {runs} trainings to run"
