"""Errors about damaged files are one line with the file and the command that writes it again."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from autoencoders import files, params, paths, pipeline, tracking
from autoencoders.datasets import prepare, prepared, published
from autoencoders.datasets.prepared import Prepared
from autoencoders.errors import UserError
from autoencoders.evaluation import results
from autoencoders.pipeline import Item
from autoencoders.stages import report
from autoencoders.trained import classifier, variant
from autoencoders.trained.classifier import MOMENTS, ClassifierDescription, Judge, moments
from autoencoders.trained.variant import Description
from autoencoders.variants.classifier import ConvClassifier
from tests.saved import PARAMS
from tests.training.helpers import tiny_classifier

RAW, PREPARED = paths.raw("mnist"), paths.prepared("mnist")
MODEL, CLASSIFIER = paths.model("mnist", "vae"), paths.classifier("mnist")
ROWS = [{"epoch": n, "validation_loss": 1 / n, "validation_mse": 0.5 / n} for n in (1, 2, 3)]
SWEEP = {
    **{"n_images": 50, "trained_at": 0.0, "levels": [0.0, 0.2], "psnr": [20.0, 18.0]},
    "yardsticks": {"noisy_input": [19.0, 15.0]},
}
METRICS: dict[str, Any] = {
    **{"dataset": "mnist", "variant": "vae", "source": "stand-in"},
    **{"n_images": 50, "model_sha256": "0" * 64, "psnr": 20.0, "active_units": 2},
    "yardsticks": {"pca": {"mse": 0.1}},
    "noise_sweep": SWEEP,
}


def read_raw() -> None:
    prepare.prepare(RAW, Path("again"), train_fraction=0.9, seed=0)


def read_split() -> None:
    prepared.load(PREPARED, "test")


def read_variant() -> None:
    variant.load(MODEL, Prepared(PREPARED))


def read_history() -> None:
    variant.load_history(MODEL)


def read_classifier() -> None:
    classifier.load_judge(CLASSIFIER)


def read_metrics() -> None:
    results.load(paths.metrics("mnist", "vae"), "mnist", "vae")


def read_pixels() -> None:
    results.load_numbers(paths.pixels("mnist"), "mnist")


def read_results() -> None:
    item = Item("report")
    report.log(item, tracking.NullRun())


Read = Callable[[], None]
# Each file that one stage writes and another reads: the writing stage and a function that reads.
READ: dict[Path, tuple[str, Read]] = {
    RAW / "source.json": ("fetch@mnist", read_raw),
    RAW / "train-images-idx3-ubyte.gz": ("fetch@mnist", read_raw),
    PREPARED / "metadata.json": ("prepare@mnist", read_split),
    PREPARED / "test_images.npy": ("prepare@mnist", read_split),
    PREPARED / "test_labels.npy": ("prepare@mnist", read_split),
    MODEL / "model.safetensors": ("train@mnist-vae", read_variant),
    MODEL / "params.yaml": ("train@mnist-vae", read_variant),
    MODEL / "history.csv": ("train@mnist-vae", read_history),
    CLASSIFIER / "model.safetensors": ("classify@mnist", read_classifier),
    CLASSIFIER / "test_images.safetensors": ("classify@mnist", read_classifier),
    CLASSIFIER / "params.yaml": ("classify@mnist", read_classifier),
    paths.metrics("mnist", "vae"): ("evaluate@mnist-vae", read_metrics),
    paths.pixels("mnist"): ("pixels@mnist", read_pixels),
    paths.RESULTS: ("report", read_results),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that contains all files of `READ`, undamaged."""
    folder = tmp_path_factory.mktemp("written")
    sizes: dict[str, Any] = {"train_images": 203, "test_images": 50, "seed": 0}
    published.fetch("mnist", "stand-in", folder / RAW, mirror=None, **sizes)
    prepare.prepare(folder / RAW, folder / PREPARED, train_fraction=0.9, seed=0)
    of_data = ("stand-in", "0" * 64, (1, 28, 28))
    vae = params.load(PARAMS).variants["vae"]
    described = Description("mnist", "vae", 1, *of_data, vae)
    variant.save(folder / MODEL, described, variant.build(described), ROWS)
    described_judge = ClassifierDescription("mnist", 1, *of_data, 10, tiny_classifier())
    judge = Judge(ConvClassifier((1, 28, 28), 10, [4, 4], 8), moments(torch.rand(20, 8)))
    classifier.save(folder / CLASSIFIER, described_judge, judge)
    files.write_json(folder / paths.metrics("mnist", "vae"), METRICS)
    numbers = {"dataset": "mnist", "source": "stand-in", "probe_accuracy": 0.9}
    files.write_json(folder / paths.pixels("mnist"), numbers)
    (folder / paths.RESULTS).write_text("dataset,variant,psnr\nmnist,vae,20.5\n")
    return folder


@pytest.fixture
def damage(written: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function `damage(path, change)`; `change` returns new bytes, or None for a folder."""
    monkeypatch.chdir(written)
    kept: dict[Path, bytes] = {}

    def damage(path: Path, change: Callable[[bytes], bytes | None]) -> None:
        kept[path] = path.read_bytes()
        files.remove(path)
        changed = change(kept[path])
        if changed is None:
            path.mkdir()
        else:
            path.write_bytes(changed)

    yield damage
    for path, content in kept.items():
        files.remove(path)
        path.write_bytes(content)


def complaint(read: Read) -> str:
    with pytest.raises(UserError) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert "For further information" not in str(caught.value)
    return pipeline.message_with_advice(caught.value)


@pytest.mark.parametrize("read", list(dict.fromkeys(read for _, read in READ.values())))
def test_undamaged_files_are_read(
    written: Path, monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    monkeypatch.chdir(written)
    read()


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "half": lambda content: content[: len(content) // 2],
    "nothing": lambda _: b"",
    "other bytes": lambda _: bytes(range(256)),
    "zeros": lambda content: bytes(len(content)),  # as after a power cut on some disks
    "a folder": lambda _: None,
}


@pytest.mark.parametrize("damaged", DAMAGES)
@pytest.mark.parametrize("path", READ, ids=str)
def test_an_error_about_a_damaged_file_is_one_line_with_its_stage(
    damage: Any, path: Path, damaged: str
) -> None:
    stage, read = READ[path]
    damage(path, DAMAGES[damaged])
    assert re.search(
        rf"^{re.escape(str(path))} is .*[:;] run `dvc repro -f -s {stage}`$", complaint(read)
    )


def json_with(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps(json.loads(content) | changes).encode()


def not_finite(content: bytes) -> bytes:
    weights = load(content)
    next(iter(weights.values())).view(-1)[0] = torch.nan
    return save(weights)


# Files that can be parsed but have wrong content.
FORMS: dict[str, tuple[Path, Callable[[bytes], bytes], str]] = {
    "a list for a mapping": (RAW / "source.json", lambda _: b"[]", "dictionary"),
    "no names of files": (RAW / "source.json", json_with(files={}), "KeyError"),
    "a wrong image size": (
        *(RAW / "source.json", json_with(image_shape=[1, 14, 14])),
        r"found images of shape \(28, 28\); allowed: \(1, 14, 14\)",
    ),
    "a missing key": (PREPARED / "metadata.json", lambda _: b"{}", "dataset: Field required"),
    "a missing split": (PREPARED / "metadata.json", json_with(splits={}), "KeyError: 'test'"),
    "fewer classes than labels": (
        *(PREPARED / "metadata.json", json_with(class_names=["a"])),
        "found the label 9; allowed: 0 to 0",
    ),
    "weights that are not numbers": (MODEL / "model.safetensors", not_finite, "not finite"),
    "an unknown kind": (
        *(MODEL / "params.yaml", lambda content: content.replace(b"mlp_vae", b"mlp_foo")),
        "variant.model: .*mlp_foo",
    ),
    "another network": (
        *(MODEL / "params.yaml", lambda content: content.replace(b"- 512", b"- 511")),
        "size mismatch",
    ),
    "another classifier": (
        *(
            CLASSIFIER / "params.yaml",
            lambda content: content.replace(b"features: 8", b"features: 9"),
        ),
        "size mismatch",
    ),
    "moments of other features": (
        *(CLASSIFIER / MOMENTS, lambda _: save(moments(torch.rand(20, 9))._asdict())),
        "the moments do not have 8 features",
    ),
    "moments that are not numbers": (
        CLASSIFIER / MOMENTS,
        not_finite,
        "the moments are not finite",
    ),
    "an epoch twice": (
        *(MODEL / "history.csv", lambda content: content + content.splitlines(True)[-1]),
        r"the column epoch is not 1, 2, 3, …: found \[1, 2, 3, 3\]",
    ),
    "an epoch without loss": (
        *(
            MODEL / "history.csv",
            lambda content: content.replace(b"\n3,0.3333333333333333", b"\n3,"),
        ),
        "found empty cells, nan or inf; allowed: finite numbers",
    ),
    "an epoch whose error is not a number": (
        *(MODEL / "history.csv", lambda content: content.replace(b",0.25", b",nan")),
        "found empty cells, nan or inf; allowed: finite numbers",
    ),
    "text for a number": (
        *(MODEL / "history.csv", lambda content: content.replace(b",0.25", b",low")),
        "could not convert string to float: 'low'",
    ),
    "a last epoch without its last cell": (
        *(MODEL / "history.csv", lambda content: content[: content.rindex(b",")] + b"\n"),
        "found empty cells, nan or inf; allowed: finite numbers",
    ),
    "metrics of another variant": (
        *(paths.metrics("mnist", "vae"), json_with(variant="conv")),
        "found the metrics of mnist conv; allowed: mnist vae",
    ),
    "metrics of another dataset": (
        *(paths.pixels("mnist"), json_with(dataset="pets")),
        "found the metrics of pets; allowed: mnist",
    ),
    "a metric that is not a number": (
        *(paths.metrics("mnist", "vae"), json_with(psnr=float("nan"))),
        "psnr: Input should be a finite number",
    ),
    "a yardstick that is infinite": (
        *(paths.metrics("mnist", "vae"), json_with(yardsticks={"pca": {"mse": float("inf")}})),
        "yardsticks.pca.mse: Input should be a finite number",
    ),
    "a metric that is infinite": (
        *(paths.pixels("mnist"), json_with(probe_accuracy=float("inf"))),
        "probe_accuracy: Input should be a finite number",
    ),
    "a sweep without its number of images": (
        *(
            paths.metrics("mnist", "vae"),
            json_with(noise_sweep={k: v for k, v in SWEEP.items() if k != "n_images"}),
        ),
        "noise_sweep.n_images: Field required",
    ),
    "a number that is text": (
        *(paths.metrics("mnist", "vae"), json_with(psnr="20.0")),
        "psnr: Input should be a valid number",
    ),
    "a list for a number": (
        *(paths.metrics("mnist", "vae"), json_with(ssim=[1.0])),
        "ssim: Input should be a valid number",
    ),
    "no dataset": (paths.RESULTS, lambda _: b"variant,psnr\nvae,20.5\n", "KeyError: 'dataset'"),
}


@pytest.mark.parametrize(("path", "change", "pattern"), FORMS.values(), ids=FORMS)
def test_an_error_about_wrong_content_is_one_line_with_its_stage(
    damage: Any, path: Path, change: Callable[[bytes], bytes], pattern: str
) -> None:
    stage, read = READ[path]
    damage(path, change)
    message = complaint(read)
    assert re.search(pattern, message)
    assert message.endswith(f": run `dvc repro -f -s {stage}`")


@pytest.mark.parametrize("path", READ, ids=str)
def test_an_error_about_a_missing_file_is_one_line_with_its_stage(damage: Any, path: Path) -> None:
    stage, read = READ[path]
    damage(path, lambda content: content)
    path.unlink()
    assert complaint(read) == f"{path} is missing: run `dvc repro {stage}`"
