import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["packing", "sources.folders", "sources.published", "sources.stand_ins"]
)
def test_images_are_brought_in_without_what_takes_seconds_to_import(module: str) -> None:
    script = (
        f"import sys, autoencoders.{module};print({{'torch', 'torchvision'}} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
