"""`autoencoders sources`: list the code that each stage depends on, as DVC runs it before all."""

import argparse
from collections.abc import Iterator

from autoencoders import dependencies, paths


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write the lists, and say how many."""
    yield f"sources: {dependencies.write()} lists of files in {paths.SOURCES}"
