"""The pipeline under DVC, in a copy of the repository, on a few hundred stand-in images."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run

from autoencoders import files, pipeline
from autoencoders.datasets.prepared import Prepared
from autoencoders.trained.variant import load
from tests.faults.changes import put

Runner = Callable[..., subprocess.CompletedProcess[str]]

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
VARIANTS = ("conv", "vae", "aae")


def test_all_outputs_exist(built: Path) -> None:
    for variant in VARIANTS:
        model = built / "models/mnist" / variant
        assert len(pd.read_csv(model / "history.csv")) == 2
        metrics = files.read_json(built / f"reports/metrics/mnist/{variant}.json")
        assert metrics["source"] == "stand-in"
        assert metrics["n_images"] == 100
        assert metrics["model_sha256"] == files.digest(model / "model.safetensors")
        assert {"mse", "bce", "psnr", "psnr_of_mean_mse", "ssim"} < set(metrics)
        assert {"mean_image", "pca"} <= set(metrics["yardsticks"])
        assert metrics["noise_sweep"]["levels"] == [0.0, 0.2]
        figures = built / "reports/figures/mnist" / variant
        expected = {"curves", "errors", "reconstructions", "latent_plane", "perturbations"}
        expected |= {"interpolations", "code_samples", "noise_sweep", "noise_levels"}
        assert expected <= {figure.stem for figure in figures.iterdir()}
    assert {"elbo", "kl", "active_units"} < set(
        files.read_json(built / "reports/metrics/mnist/vae.json")
    )
    results = pd.read_csv(built / "reports/results.csv")
    assert list(results["variant"]) == list(VARIANTS)
    pixels = files.read_json(built / "reports/pixels/mnist.json")
    assert set(results["yardsticks.raw_pixels.probe_accuracy"]) == {pixels["probe_accuracy"]}


def test_the_report_names_the_stand_in_and_links_existing_pictures(built: Path) -> None:
    page = (built / "reports/index.html").read_text("utf-8")
    assert "stand-in data" in page
    pictures = re.findall(r'<img[^>]* src="([^"]+)"', page)
    assert len(pictures) > 10
    pictures += (sheets := re.findall(r'"path": "([^"]+)"', page))
    assert sheets == ["sections/mnist/vae/decoded.png", "sections/mnist/vae/points.png"]
    assert all((built / "reports" / picture).is_file() for picture in pictures)


def test_a_second_repro_runs_nothing(repository: Path, run: Runner) -> None:
    assert stages_run(run(repository, "dvc", "repro")) == []


def test_the_store_has_a_run_of_every_stage_under_one_parent(built: Path) -> None:
    store = store_of(built)
    runs = finished_runs(store)
    parents = [run for run in runs.values() if "mlflow.parentRunId" not in run.data.tags]
    assert len(parents) == 1
    stages = {item.name for item in pipeline.items(["mnist"], list(VARIANTS))}
    assert {"fetch@mnist", "train@mnist-vae", "report"} < stages
    assert {run.info.run_name for run in runs.values()} - {parents[0].info.run_name} == stages
    psnr = files.read_json(built / "reports/metrics/mnist/vae.json")["psnr"]
    assert parents[0].data.metrics["mnist/vae/psnr"] == pytest.approx(psnr)
    train = next(run for run in runs.values() if run.info.run_name == "train@mnist-vae")
    assert train.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
    assert train.data.tags["data.source"] == "stand-in"
    assert train.data.params["training.optimizers.model.kind"] == "adam"
    losses = store.get_metric_history(train.info.run_id, "validation_loss")
    history = pd.read_csv(built / "models/mnist/vae/history.csv")
    assert [loss.value for loss in losses] == pytest.approx(list(history["validation_loss"]))


def test_a_registered_model_works_elsewhere_and_equals_the_one_on_disk(
    built: Path, run: Runner, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).random((5, 1, 28, 28), dtype=np.float32)
    np.save(tmp_path / "images.npy", images)
    script = (
        "import mlflow, numpy as np\n"
        f"mlflow.set_tracking_uri('sqlite:///{built / 'mlflow.db'}')\n"
        "model = mlflow.pyfunc.load_model('models:/mnist-conv/1')\n"
        "np.save('outputs.npy', model.predict(np.load('images.npy')))\n"
    )
    run(tmp_path, sys.executable, "-c", script, PYTHONPATH="")
    trained = load(built / "models/mnist/conv", Prepared(built / "data/prepared/mnist"))
    expected = trained.model(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npy"), expected, atol=1e-5)


def test_dvc_metrics_and_plots_without_arguments(repository: Path, run: Runner) -> None:
    metrics_table = run(repository, "dvc", "metrics", "show").stdout
    assert "reports/headline.json" in metrics_table
    assert "mnist.vae.psnr" in metrics_table
    run(repository, "dvc", "plots", "show", "--out", "plots")
    plots = (repository / "plots/index.html").read_text("utf-8")
    assert "validation error of all variants" in plots


def test_a_learning_rate_reruns_only_its_variant_and_the_report(
    repository: Path, run: Runner
) -> None:
    put("variants.vae.training.optimizers.model.lr", 0.002)(repository)
    assert "0.002" in run(repository, "dvc", "params", "diff").stdout
    assert sorted(stages_run(run(repository, "dvc", "repro"))) == [
        "evaluate@mnist-vae",
        "figures@mnist-vae",
        "report",
        "sources",
        "train@mnist-vae",
    ]


def test_results_of_several_seeds_rerun_only_the_report(repository: Path, run: Runner) -> None:
    script = (
        "from autoencoders import params\n"
        "from autoencoders.dependencies import Code\n"
        "from autoencoders.evaluation.seed_results import SeedResults, save\n"
        "from autoencoders.stages.common import current_digests\n"
        "digests = current_digests(params.load(), Code(), 'mnist', 'vae')\n"
        "seeds = {1: {'psnr': 10.0}, 2: {'psnr': 10.2}}\n"
        "save(SeedResults('mnist', 'vae', 'stand-in', 100, digests, seeds))\n"
    )
    run(repository, sys.executable, "-c", script)
    assert stages_run(run(repository, "dvc", "repro")) == ["report"]
    page = (repository / "reports/index.html").read_text("utf-8")
    assert "10.1 ± 1.3" in page  # Student's quantile 12.706, times 0.1
    assert "seeds are out of date" not in page
    put("variants.vae.training.epochs", 1)(repository)
    assert "report" in stages_run(run(repository, "dvc", "repro"))
    page = (repository / "reports/index.html").read_text("utf-8")
    assert "The results of vae over several seeds are out of date: params changed" in page


def test_a_param_of_figures_reruns_only_figures_and_the_matrix_is_a_param(
    repository: Path, run: Runner
) -> None:
    run(repository, "git", "add", "--all")
    run(repository, "git", "commit", "--quiet", "--message", "Results")
    ran = run(
        repository,
        *("dvc", "exp", "run", "--name", "few"),
        *("-S", "variants_to_run=[vae]", "-S", "figures.images=3"),
    )
    assert sorted(stages_run(ran)) == ["figures@mnist-vae", "report"]
    assert list(pd.read_csv(repository / "reports/results.csv")["variant"]) == ["vae"]
    runs = finished_runs(store_of(repository))
    experiments = {run.data.tags.get("dvc.exp") for run in runs.values()}
    assert "few" in experiments
    [command] = [line for line in README.splitlines() if line.startswith("dvc exp show")]
    table = run(repository, *shlex.split(command), COLUMNS="80").stdout
    assert re.search(r"few.* -?\d+\.\d+ .* 2 ", table)  # its ELBO and the changed param
    assert "…" not in table


def test_after_a_lost_tracking_server_track_uploads_the_results(
    repository: Path, run: Runner
) -> None:
    store = store_of(repository)
    before = finished_runs(store)
    put("evaluation.elbo_draws", 3)(repository)
    command = ("dvc", "repro", "--single-item", "evaluate@mnist-vae")
    done = run(repository, *command, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.stderr.count("warning:") == 1
    assert finished_runs(store).keys() == before.keys()
    assert "uploaded evaluate@mnist-vae" in run(repository, "autoencoders", "track").stdout
    new = [finished_runs(store)[name] for name in finished_runs(store).keys() - before.keys()]
    assert {run.info.run_name for run in new} >= {"evaluate@mnist-vae"}


def test_results_of_another_configuration_are_not_uploaded(repository: Path, run: Runner) -> None:
    # As in a clone, which has the committed reports.
    store = store_of(repository)
    before = finished_runs(store)
    put("data.seed", 7)(repository)
    run(repository, "dvc", "repro", "prepare@mnist")
    lines = run(repository, "autoencoders", "track").stdout
    assert "uploaded" not in lines
    assert "left out 12 stages" in lines
    new = [run for id, run in finished_runs(store).items() if id not in before]
    assert {run.data.tags["stage"] for run in new} == {"configuration", "fetch", "prepare"}


def stages_run(done: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"Running stage '([^']+)'", done.stdout)


def store_of(repository: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{repository / 'mlflow.db'}")


def finished_runs(store: MlflowClient) -> dict[str, Run]:
    experiment = store.get_experiment_by_name("small")
    assert experiment is not None
    runs = store.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
    return {run.info.run_id: run for run in runs}
