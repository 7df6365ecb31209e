"""The notebook `docs/first-steps.ipynb`, run from another folder as a script."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.saved import ROOT

NOTEBOOK: dict[str, Any] = json.loads((ROOT / "docs/first-steps.ipynb").read_text("utf-8"))
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_no_outputs_are_committed() -> None:
    assert CODE
    assert [cell["outputs"] for cell in CODE] == [[]] * len(CODE)


@pytest.mark.slow
def test_all_cells_run_and_fine_tuning_helps(tmp_path: Path) -> None:
    script = "\n".join("".join(cell["source"]) for cell in CODE)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": os.fspath(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mnist_denoise: denoising" in done.stdout
    random, ready = map(float, re.findall(r"^from \w.*: (.*) dB", done.stdout, re.MULTILINE))
    assert ready > random + 1
    assert [*tmp_path.iterdir()] == []
