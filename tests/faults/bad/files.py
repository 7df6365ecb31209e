"""Damaged files of the pipeline: missing, empty, halved, scrambled, or of another type."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from tests.faults.case import Case, Change
from tests.faults.changes import (
    all_of,
    each,
    emptied,
    flipped,
    folder_instead,
    halved,
    linked,
    removed,
    replaced,
    scrambled,
    without,
    written,
)

Damage = Callable[[str], Change]

RAW = "data/raw/mnist"
PREPARED = "data/prepared/mnist"
CLASSIFIER = "models/mnist/classifier"
VAE = "models/mnist/vae"
CONV = "models/mnist/conv"
CLEAN = "sample mnist/conv --sampler gaussian --count 1 --to out"
METRICS = "reports/metrics/mnist/vae.json"
PIXELS = "reports/pixels/mnist.json"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 54400\n"

_case = partial(Case, "files")

# The names of damages, and the changes that make them.
DAMAGES: dict[str, Damage] = {
    "missing": removed,
    "empty": emptied,
    "halved": halved,
    "scrambled": scrambled,
    "one bit flipped": flipped,
    "a folder": folder_instead,
    "a file": partial(written, content="mine"),
}


def _read(needs: str, path: str, stage: str, command: str, *damages: str) -> list[Case]:
    """Return cases of a damaged file: the error contains its path and the stage that writes it."""
    return [
        _case(f"{path} {damage}", command, DAMAGES[damage](path), (path, stage), needs=needs)
        for damage in damages
    ]


READ = (
    *_read("prepared", RAW, "fetch@mnist", "prepare mnist", "missing", "a file"),
    *_read(
        *("prepared", f"{RAW}/source.json", "fetch@mnist", "prepare mnist"),
        *("empty", "halved", "a folder"),
    ),
    *_read(
        *("prepared", f"{RAW}/train-images-idx3-ubyte.gz", "fetch@mnist", "prepare mnist"),
        *("one bit flipped", "a folder"),
    ),
    *_read(
        *("prepared", f"{PREPARED}/metadata.json", "prepare@mnist", "pixels mnist"),
        *("empty", "scrambled"),
    ),
    *_read(
        *("prepared", f"{PREPARED}/train_images.npy", "prepare@mnist", "classify mnist"),
        *("halved", "one bit flipped", "a folder"),
    ),
    *_read(
        *("whole", f"{CLASSIFIER}/params.yaml", "classify@mnist", "evaluate mnist vae"),
        *("empty", "halved"),
    ),
    *_read(
        *("whole", f"{CLASSIFIER}/model.safetensors", "classify@mnist", "evaluate mnist vae"),
        *("halved", "a folder"),
    ),
    *_read(
        *("whole", f"{VAE}/params.yaml", "train@mnist-vae", "evaluate mnist vae"),
        *("empty", "halved", "scrambled"),
    ),
    *_read(
        *("whole", f"{VAE}/model.safetensors", "train@mnist-vae", "figures mnist vae"),
        *("missing", "halved"),
    ),
    *_read(
        *("whole", f"{VAE}/history.csv", "train@mnist-vae", "figures mnist vae"),
        *("empty", "halved"),
    ),
    *_read(
        *("whole", METRICS, "evaluate@mnist-vae", "figures mnist vae"),
        *("halved", "scrambled"),
    ),
    *_read("whole", PIXELS, "pixels@mnist", "report", "empty", "a folder"),
    *_read("whole", "reports/sections/mnist/vae", "figures@mnist-vae", "report", "missing"),
)


def _odd(name: str, needs: str, command: str, bad: Change, *says: str, lines: int = 1) -> Case:
    return _case(name, command, bad, says, needs=needs, lines=lines)


def _objects(world: Path) -> None:
    """Write an array that only pickle can read, which may run code."""
    np.save(world / PREPARED / "train_images.npy", np.array([{}]), allow_pickle=True)


# Valid files with the wrong content.
ODD = (
    _odd(
        "metadata.json is a list",
        *("prepared", "pixels mnist", written(f"{PREPARED}/metadata.json", "[]")),
        *(f"{PREPARED}/metadata.json", "prepare@mnist"),
    ),
    _odd(
        "weights of another variant",
        *(
            "whole",
            "evaluate mnist vae",
            linked(f"{VAE}/model.safetensors", "../conv/model.safetensors"),
        ),
        *(f"{VAE}/model.safetensors", "train@mnist-vae"),
    ),
    _odd(
        "weights as a pointer of Git LFS",
        *("whole", "evaluate mnist vae", written(f"{VAE}/model.safetensors", POINTER)),
        *(f"{VAE}/model.safetensors", "train@mnist-vae"),
    ),
    _odd(
        "params of a model with a removed key",
        *(
            "whole",
            "evaluate mnist vae",
            replaced(f"{VAE}/params.yaml", "latent_size:", "latents:"),
        ),
        *(f"{VAE}/params.yaml", "train@mnist-vae"),
    ),
    _odd(
        "a history without the validation loss",
        *("whole", "figures mnist vae", replaced(f"{VAE}/history.csv", "validation_loss", "loss")),
        *(f"{VAE}/history.csv", "train@mnist-vae"),
    ),
    _odd(
        "metrics without one of the shown metrics",
        *("whole", "report", replaced(METRICS, '"psnr"', '"PSNR"')),
        *(METRICS, "evaluate@mnist-vae"),
    ),
    _odd(
        "an array of Python objects",
        *("prepared", "classify mnist", _objects),
        *(f"{PREPARED}/train_images.npy", "prepare@mnist"),
    ),
    _odd(
        "weights that are empty, of a variant to apply",
        *("trained", CLEAN, emptied(f"{CONV}/model.safetensors")),
        *(f"{CONV}/model.safetensors", "train@mnist-conv"),
    ),
    _odd(
        "weights in PyTorch's older format",
        *("trained", CLEAN, written(f"{CONV}/model.safetensors", b"PK\3\4archive/data.pkl")),
        *(f"{CONV}/model.safetensors", "train@mnist-conv"),
    ),
    _odd(
        "params of a model that are not UTF-8",
        *("trained", CLEAN, written(f"{CONV}/params.yaml", "name: caf\u00e9".encode("latin-1"))),
        *(f"{CONV}/params.yaml", "train@mnist-conv"),
    ),
    _odd(
        "params of a model of another width",
        *("trained", CLEAN, replaced(f"{CONV}/params.yaml", "- 8\n", "- 7\n")),
        *(CONV, "train@mnist-conv"),
    ),
    _odd("no dvc.yaml", "prepared", "train mnist conv", removed("dvc.yaml"), "dvc.yaml"),
    _odd(
        "params.yaml without variants",
        *("bare", "sources", without("variants"), "params.yaml", "autoencoders check"),
    ),
)


def _in_the_way(
    name: str, needs: str, command: str, bad: Change, path: str, changes: tuple[str, ...] = ()
) -> Case:
    """Return a case of a path that blocks an output: the error contains it, and it is kept."""
    return _case(name, command, bad, (path,), needs=needs, changes=changes)


IN_THE_WAY = (
    _in_the_way(
        "a file where data/raw goes", "bare", "fetch mnist", written("data/raw", "x"), "data/raw"
    ),
    _in_the_way(
        "a link to nowhere where data/prepared goes",
        *("prepared", "prepare mnist", linked("data/prepared", "/nowhere/at/all"), "data/prepared"),
    ),
    _in_the_way(
        "a file where models goes",
        "prepared",
        "train mnist conv",
        written("models", "x"),
        "models",
        ("checkpoints/*",),
    ),
    _in_the_way(
        "a folder where weights go",
        *("prepared", "train mnist conv", folder_instead(f"{CONV}/model.safetensors")),
        f"{CONV}/model.safetensors",
        changes=("checkpoints/*", f"{CONV}/*"),
    ),
    _in_the_way(
        "a file where checkpoints go",
        *("prepared", "train mnist conv", written("checkpoints", "x"), "checkpoints"),
    ),
    _in_the_way(
        "a folder where a metrics file goes",
        *("whole", "evaluate mnist vae", folder_instead(METRICS), METRICS),
    ),
    _in_the_way(
        "a link to another folder where a prepared folder goes",
        *("prepared", "prepare mnist"),
        all_of(written("mine/letter.txt", "mine"), linked(PREPARED, "../../mine")),
        PREPARED,
    ),
)


def _made_again(name: str, damage: Damage) -> Case:
    """Return a case of a damaged checkpoint: training restarts and ends with the same bits."""
    return _case(
        f"a checkpoint {name}",
        "train mnist conv",
        each("checkpoints/*.pt", damage),
        ("checkpoints/mnist-conv",),
        needs="interrupted",
        goes_on=True,
        ends_like="trained",
    )


def _not_tracked(name: str, bad: Change) -> Case:
    """Return a case where MLflow cannot be written: the stage ends with the same bits."""
    return _case(
        name,
        "train mnist conv",
        bad,
        ("MLflow", "autoencoders track"),
        needs="prepared",
        goes_on=True,
        ends_like="trained",
        variables={"MLFLOW_TRACKING_URI": ""},
    )


def _half_a_database(world: Path) -> None:
    with closing(sqlite3.connect(world / "mlflow.db")) as database:
        database.execute("CREATE TABLE experiments AS SELECT zeroblob(100000) AS name")
    halved("mlflow.db")(world)


GOING_ON = (
    *(_made_again(name, DAMAGES[name]) for name in ("empty", "halved", "scrambled", "a folder")),
    _not_tracked("mlflow.db scrambled", scrambled("mlflow.db")),
    _not_tracked("mlflow.db halved", _half_a_database),
    _not_tracked("a folder for mlflow.db", folder_instead("mlflow.db")),
    _not_tracked("a folder for the lock of mlflow.db", folder_instead("mlflow.db.lock")),
    _not_tracked("a file for mlartifacts", written("mlartifacts", "mine")),
)

CASES = (*READ, *ODD, *IN_THE_WAY, *GOING_ON)
