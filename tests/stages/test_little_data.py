"""Too small, too few, too much alike: the whole pipeline on images that give little."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autoencoders import params, paths, pipeline, stages, tracking, yaml12
from autoencoders.errors import UserError
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
    """So many images of each class, of `size`×`size` pixels, all the same or none."""

    size: int
    channels: int
    of_classes: tuple[int, ...]
    alike: bool = False


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that runs this one's code; its figures are laid out, and not painted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    for name in ("src", "dvc.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)

    def lay_out(figure: Any, path: Path, source: str) -> None:
        figure.draw_without_rendering()
        path.touch()

    monkeypatch.setattr(plots, "save", lay_out)
    return tmp_path


def set_up(folder: Path, pictures: Pictures, variants: list[str]) -> None:
    """Write the images, and small params for them."""
    rng = np.random.default_rng(0)
    size, channels = pictures.size, pictures.channels
    for label, count in enumerate(pictures.of_classes):
        (folder / f"pictures/{label}").mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 1 if pictures.alike else 256, (size, size, 3), np.uint8)
            image = Image.fromarray(pixels).convert("L" if channels == 1 else "RGB")
            image.save(folder / f"pictures/{label}/{i}.png")
    content = yaml12.read(PARAMS)
    own = {"folder": "pictures", "size": size, "channels": channels, "test_fraction": 0.2}
    content["data"]["datasets"] = {"little": own}
    content["variants"] = {name: content["variants"][name] for name in variants}
    (folder / paths.PARAMS).write_text(yaml12.dump(content), "utf-8")
    small.write(folder / paths.PARAMS, ["little"], variants, epochs=1)
    content = yaml12.read(folder / paths.PARAMS)
    content["evaluation"] |= EVALUATION
    (folder / paths.PARAMS).write_text(yaml12.dump(content), "utf-8")


def run_all() -> None:
    """Run every stage in this process, untracked."""
    loaded = params.load()
    for item in pipeline.items(loaded.datasets_to_run, loaded.variants_to_run):
        stages._stage(item.stage).produce(loaded, item, tracking.NullRun())


def left_out(said: str) -> set[str]:
    """Return what was left out, by what was said of it."""
    lines = [line for line in said.splitlines() if line.startswith("left out: ")]
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
            Pictures(8, 3, (8,), alike=True),
            ["aae", "superres"],
            {"SSIM", "Fréchet distances", "classification metrics"},
        ),
        (Pictures(12, 1, (5, 4, 3)), ["conv"], set()),
        (Pictures(12, 1, (5, 5), alike=True), ["conv_vae"], set()),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else str(sorted(value) if isinstance(value, set) else value)
    ),
)
def test_what_little_data_cannot_give_is_left_out_and_said(
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
def test_too_few_images_for_three_splits_are_refused_before_anything_is_trained(
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


def test_sizes_that_a_variant_cannot_be_laid_out_for_are_refused_by_the_check(
    repository: Path,
) -> None:
    set_up(repository, Pictures(5, 1, (1,)), ["superres"])
    with pytest.raises(UserError, match="images of 5×5 cannot be downsampled by 2"):
        params.load()
