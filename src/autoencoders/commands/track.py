"""`autoencoders track`: upload to MLflow the results that it does not have yet."""

import argparse
from collections.abc import Iterator

from autoencoders import params, stages
from autoencoders.running import dvc_state


def run(options: argparse.Namespace) -> Iterator[str]:
    """Upload the results of this configuration; yield a line for each stage."""
    loaded = params.load()
    yield from stages.track(loaded, dvc_state.read_state().up_to_date)
