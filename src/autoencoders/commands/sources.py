"""`autoencoders sources`: list the source files that each stage depends on."""

import argparse
from collections.abc import Iterator

from autoencoders import dependencies, paths


def run(options: argparse.Namespace) -> Iterator[str]:
    """Write the lists and yield their number."""
    yield f"sources: wrote {dependencies.write()} lists of files in {paths.SOURCES}"
