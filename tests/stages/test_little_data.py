"""Runs all stages on datasets with small images, few images or identical images."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autoencoders import params, paths, pipeline, stages, tracking, yaml12
from autoencoders.errors import UserError
from autoencoders.evaluation import code_statistics
from autoencoders.figures import plots
from autoencoders.pipeline import Item
from benchmarks import small
from tests.saved import PARAMS, ROOT

EVALUATION = {
    "label_counts": [4, 1000],
    "samplers": ["prior", "gaussian", "mixture"],
    "noise_levels": {"clean": [0.2], "noisy": [0.2], "downsampled": [0.1]},
}


class Pictures(NamedTuple):
    """Images of `size`×`size` pixels, their number per class, and whether all are equal."""

    size: int
    channels: int
    counts: tuple[int, ...]
    identical: bool = False


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository with the code of this one; figures are laid out but not rendered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    for name in ("src", "dvc.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)

    def lay_out(figure: Any, path: Path, source: str) -> None:
        figure.draw_without_rendering()
        path.touch()

    monkeypatch.setattr(plots, "save", lay_out)
    monkeypatch.setattr(code_statistics, "FRESH_STEPS", 2)  # the default takes seconds
    return tmp_path


def set_up(folder: Path, pictures: Pictures, variants: list[str]) -> None:
    """Write the images and params for a short run."""
    rng = np.random.default_rng(0)
    size, channels = pictures.size, pictures.channels
    for label, count in enumerate(pictures.counts):
        (folder / f"pictures/{label}").mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 1 if pictures.identical else 256, (size, size, 3), np.uint8)
            image = Image.fromarray(pixels).convert("L" if channels == 1 else "RGB")
            image.save(folder / f"pictures/{label}/{i}.png")
    content = yaml12.read(PARAMS)
    own = {"folder": "pictures", "side": size, "channels": channels, "test_fraction": 0.2}
    content["data"]["datasets"] = {"little": own}
    content["variants"] = {name: content["variants"][name] for name in variants}
    (folder / paths.PARAMS).write_text(yaml12.dump(content), "utf-8")
    small.write(folder / paths.PARAMS, ["little"], variants, epochs=1)
    content = yaml12.read(folder / paths.PARAMS)
    content["evaluation"] |= EVALUATION
    (folder / paths.PARAMS).write_text(yaml12.dump(content), "utf-8")


def run_all() -> None:
    """Run all stages in this process without tracking."""
    loaded = params.load()
    for item in pipeline.items(loaded.datasets_to_run, loaded.variants_to_run):
        stages._stage(item.stage).produce(loaded, item, tracking.NullRun())


def left_out(output: str) -> set[str]:
    """Return the names of the results that the output reports as left out."""
    lines = [line for line in output.splitlines() if line.startswith("left out: ")]
    return {line.removeprefix("left out: ").partition(", because ")[0] for line in lines}


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pictures", "variants", "missing"),
    [
        (
            Pictures(1, 1, (4, 2)),
            ["vae", "denoise"],
            {
                *("SSIM", "Fréchet distances", "active units", "neighbour disagreement"),
                *("perturbations.png", "interpolations.png"),
            },
        ),
        (
            Pictures(8, 3, (8,), identical=True),
            ["aae", "superres"],
            {"SSIM", "Fréchet distances", "classification metrics"},
        ),
        (Pictures(12, 1, (5, 4, 3)), ["conv"], set()),
        (Pictures(12, 1, (5, 5), identical=True), ["conv_vae"], set()),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else str(sorted(value) if isinstance(value, set) else value)
    ),
)
def test_results_that_need_more_data_are_left_out_with_a_message(
    repository: Path,
    capfd: pytest.CaptureFixture[str],
    pictures: Pictures,
    variants: list[str],
    missing: set[str],
) -> None:
    set_up(repository, pictures, variants)
    run_all()
    assert left_out(capfd.readouterr().err) == missing
    results = pd.read_csv("reports/results.csv")
    assert list(results["variant"]) == variants
    assert results["psnr"].notna().all()
    assert ("ssim" in results) == ("SSIM" not in missing)
    assert "frechet_reconstructions" in results or "Fréchet distances" in missing
    for name in variants:
        drawn = {path.name for path in (repository / "reports/figures/little" / name).iterdir()}
        assert {"reconstructions.png", "errors.png", "curves.png"} <= drawn
        assert not drawn & missing
    for path in repository.glob("reports/**/*.json"):
        json.loads(path.read_text("utf-8"), parse_constant=refuse)


@pytest.mark.parametrize(
    ("count", "stage", "words"),
    [
        (1, "fetch", r"test_fraction: found 0\.2, .* empty \(images: 1\); .*add images"),
        (2, "fetch", r"test_fraction: found 0\.2, .* empty \(images: 2\); allowed: a share"),
        (3, "prepare", r"train_fraction: found 0\.9, .* empty \(images: 2\); allowed: a share"),
    ],
)
def test_too_few_images_for_three_splits_are_an_error_before_training(
    repository: Path, count: int, stage: str, words: str
) -> None:
    set_up(repository, Pictures(8, 1, (count,)), ["conv"])
    loaded = params.load()
    if stage == "prepare":
        item = Item("fetch", "little")
        stages._stage("fetch").produce(loaded, item, tracking.NullRun())
    item = Item(stage, "little")
    with pytest.raises(UserError, match=words) as refused:
        stages._stage(stage).produce(loaded, item, tracking.NullRun())
    assert "\n" not in str(refused.value)


def test_image_sizes_that_do_not_fit_a_variant_are_an_error_of_params(
    repository: Path,
) -> None:
    set_up(repository, Pictures(5, 1, (1,)), ["superres"])
    with pytest.raises(UserError, match="factor: found 2 for images of 5×5; allowed"):
        params.load()
