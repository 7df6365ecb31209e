"""`autoencoders track`: upload what the tracking server missed."""

import argparse
from collections.abc import Iterator

from autoencoders import params, stages
from autoencoders.running import dvc_state


def run(options: argparse.Namespace) -> Iterator[str]:
    """Upload what this configuration has made, and say what."""
    loaded = params.load()
    yield from stages.track(loaded, dvc_state.read_state().up_to_date)
