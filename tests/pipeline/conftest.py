"""Copies of the repository, made small, in which the pipeline runs for real."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoencoders import paths
from benchmarks import copies

REPOSITORY = Path(__file__).parents[2]

VARIANTS = {
    "conv": {"encoder_channels": [4, 4, 2], "decoder_channels": [2, 4, 4]},
    "vae": {"hidden": [32]},
    "aae": {"hidden": [32], "latent_size": 4},
}


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """This process's environment without what would lead a stage out of its copy.

    One thread: on more, sums are formed in another order, and no bit would have to agree.
    """
    settings = tmp_path_factory.mktemp("dvc-settings")
    one_thread = {"AUTOENCODERS_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    return copies.environment(settings) | one_thread


@pytest.fixture(scope="session")
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run(folder, "dvc", "repro")`: a finished command; it must succeed unless `fails` is set."""

    def run(
        folder: Path, *command: str, fails: bool = False, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        # The copy's own code, whatever the interpreter has installed.
        source = {"PYTHONPATH": str(folder / "src")} if (folder / "src").exists() else {}
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment | source | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{command}: {done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def copy_repository(environment: dict[str, str]) -> Callable[[Path], Path]:
    """`copy_repository(target)`: the working tree, committed, with params that take seconds."""

    def copy(target: Path) -> Path:
        copies.copy_working_tree(REPOSITORY, target)
        params = yaml.safe_load((target / paths.PARAMS).read_text("utf-8"))
        (target / paths.PARAMS).write_text(yaml.safe_dump(_small(params)), "utf-8")
        copies.commit(target, environment)
        return target

    return copy


def _small(params: dict[str, Any]) -> dict[str, Any]:
    """Return params of the same variants with few images, narrow networks and two epochs."""
    for name, changes in VARIANTS.items():
        variant = params["variants"][name]
        variant["model"] |= changes
        variant["training"] |= {"epochs": 2, "batch_size": 64}
    params["variants"]["aae"]["objective"]["discriminator_hidden"] = [16]
    return params | {
        "experiment": "small",
        "datasets_to_run": ["mnist"],
        "variants_to_run": list(VARIANTS),
        "data": params["data"]
        | {
            "source": "stand-in",
            "train_fraction": 0.9,
            "stand_in": {"train_images": 400, "test_images": 100},
        },
        "evaluation": {
            "batch_size": 40,
            "elbo_draws": 2,
            "iwae_samples": 2,
            "knn_neighbours": 3,
            "label_counts": [20, 1000],
            "label_draws": 2,
            "noise_levels": {"clean": [0.2]},
            "noise_images": 40,
        },
        "classifier": params["classifier"] | {"epochs": 1},
        "figures": {
            "images": 4,
            "manifold_steps": 4,
            "perturbed_dimensions": 3,
            "perturbation_steps": 3,
            "interpolated_pairs": 1,
            "fitted_codes": 100,
            "mixture_components": 3,
        },
    }
