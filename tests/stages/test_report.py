import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from autoencoders import paths
from autoencoders.dependencies import Code
from autoencoders.pipeline import Item
from autoencoders.stages import report
from autoencoders.tracking import StageRun


class RecordedRun:
    """A run that records metrics in place of MLflow."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}

    def log(self, **logged: Any) -> None:
        pass

    def log_to_parent(self, metrics: dict[str, float], artifacts: list[Path]) -> None:
        self.metrics |= metrics


def test_the_report_does_not_import_torch() -> None:
    program = "import sys, autoencoders.report.results; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    reached = Code().reached("report.results", set())
    folders = {line.split()[0].removesuffix(".py").split("/")[1] for line in reached}
    assert folders == {"report", "figures", "evaluation", "errors", "files", "param_types", "paths"}


def test_unusual_names_of_variants_are_kept_in_tracked_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths.RESULTS.parent.mkdir()
    paths.RESULTS.write_text("dataset,variant,psnr,elbo\nmnist,null,20.5,\nmnist,007,21.5,-3.5\n")
    recorded = RecordedRun()
    report.log(Item("report"), cast(StageRun, recorded))
    assert recorded.metrics == {
        "mnist/null/psnr": 20.5,
        "mnist/007/psnr": 21.5,
        "mnist/007/elbo": -3.5,
    }
