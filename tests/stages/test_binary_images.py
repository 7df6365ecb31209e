"""Runs all stages on a binarised dataset, with learned priors and an importance-weighted bound."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autoencoders import cli, params, paths, pipeline, stages, tracking, yaml12
from autoencoders.datasets.prepared import Prepared
from autoencoders.trained import variant
from benchmarks import small
from tests.saved import PARAMS, ROOT

VAE: dict[str, Any] = {
    "input": {"kind": "clean"},
    "model": {"kind": "mlp_vae", "hidden": [16, 16], "latent_size": 3, "activation": "tanh"},
    "training": {
        "epochs": 2,
        "batch_size": 64,
        "optimizers": {"model": {"kind": "adam", "lr": 0.001}},
    },
}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "iwae": {"bound": "iwae", "samples": 3},
    "vamp": {"prior": {"kind": "vamp", "components": 5}},
    "mixture": {"prior": {"kind": "gaussian_mixture", "components": 5}},
}


@pytest.mark.slow
def test_all_stages_run_on_a_binarised_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    for name in ("src", "dvc.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    content = yaml12.read(PARAMS)
    objective: dict[str, Any] = {"kind": "variational", "likelihood": "bernoulli"}
    content["variants"] = {
        name: VAE | {"objective": objective | settings} for name, settings in OBJECTIVES.items()
    }
    content["data"]["datasets"] = {"binary": {"of": "mnist", "binarize": "dynamic"}}
    paths.PARAMS.write_text(yaml12.dump(content), "utf-8")
    small.write(paths.PARAMS, ["binary"], OBJECTIVES, epochs=2)
    content = yaml12.read(paths.PARAMS)
    content["evaluation"] |= {"nll_samples": 10, "nll_images": 50}
    paths.PARAMS.write_text(yaml12.dump(content), "utf-8")
    loaded = params.load()
    for item in pipeline.items(loaded.datasets_to_run, loaded.variants_to_run):
        stages._stage(item.stage).produce(loaded, item, tracking.NullRun())

    results = pd.read_csv(paths.RESULTS).set_index("variant")
    assert (results.loc[[*OBJECTIVES], "nll_images"] == 50).all()
    # More samples make the bound tighter; both are means over some of the images.
    assert (results["nll"] < -results["elbo"] + 3 * results["nll_standard_error"]).all()
    trained = variant.load(paths.model("binary", "vamp"), Prepared(paths.prepared("binary")))
    assert trained.networks.objective["prior"].pseudo_inputs.shape == (5 * 28 * 28,)
    assert trained.prior is trained.prior

    capsys.readouterr()
    assert cli.main(["evaluate", "binary", "vamp", "--split", "validation"]) == 0
    on_validation_images = json.loads(capsys.readouterr().out)
    assert on_validation_images["n_images"] == 40
    assert on_validation_images["psnr"] != results.loc["vamp", "psnr"]
