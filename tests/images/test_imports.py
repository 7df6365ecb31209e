import subprocess
import sys
from pathlib import Path

from tests.imports import PACKAGE


def test_images_are_read_and_written_without_torch() -> None:
    modules = [f"autoencoders.images.{Path(path).stem}" for path in (PACKAGE / "images").glob("*")]
    script = f"import sys, {', '.join(m for m in modules if '__' not in m)};"
    script += "print({'torch', 'torchvision', 'pandas', 'mlflow'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
