"""The file of a sweep: what is allowed, and one line for each mistake."""

from pathlib import Path
from typing import Any

import pytest

from autoencoders import params, yaml12
from autoencoders.errors import UserError
from autoencoders.studies import sweep_file
from autoencoders.studies.study import Choice, Grid, Integer, LogUniform, Uniform
from tests.saved import PARAMS, ROOT, example
from tests.studies.examples import SWEEP

LOADED = params.load(PARAMS)
LR = "training.optimizers.model.lr"


def mistakes(path: Path, **changes: Any) -> list[str]:
    """Return the mistakes of the example with other values of its keys."""
    content = yaml12.parse(SWEEP) | changes
    path.write_text(yaml12.dump(content), "utf-8")
    with pytest.raises(UserError) as caught:
        sweep_file.load(path, LOADED)
    return [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()]


def test_a_valid_file_gives_domains_and_defaults(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SWEEP, "utf-8")
    file = sweep_file.load(path, LOADED)
    assert file.domains == {
        LR: LogUniform(1e-4, 0.1),
        "training.ema_decay": Uniform(0.0, 0.9),
        "training.epochs": Choice([3]),
        "model.hidden": Choice([[64], [64, 32]]),
        "model.latent_size": Integer(2, 4),
        "objective.likelihood": Choice(["gaussian", "bernoulli"]),
    }
    assert (file.searcher, file.scheduler, file.direction) == ("tpe", "none", "minimize")


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_examples_are_valid_for_the_shipped_params(path: Path) -> None:
    assert sweep_file.load(path, params.load(ROOT / "params.yaml")).samples > 1


def test_a_grid_and_metrics_of_other_objectives_are_valid(tmp_path: Path) -> None:
    space = {LR.replace("model", "generator"): {"kind": "grid", "values": [1e-4, 1e-3]}}
    content = yaml12.parse(SWEEP) | {"variant": "aae", "space": space, "searcher": "grid"}
    path = tmp_path / "a.yaml"
    path.write_text(yaml12.dump(content | {"metric": "validation_discriminator"}), "utf-8")
    assert [*sweep_file.load(path, LOADED).domains.values()] == [Grid([1e-4, 1e-3])]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    space = {
        "training.optimizers.model.rl": {"kind": "uniform", "low": 0, "high": 1},
        LR: {"kind": "uniform", "low": 0.2, "high": 0.1},
        "training.batch_size": {"kind": "choice", "values": [64, "many"]},
        "model.latent_size": {"kind": "intger", "low": 2, "high": 4},
    }
    assert mistakes(
        tmp_path / "a.yaml",
        **{"dataset": "mnits", "variant": "vea", "direction": "up", "samples": 0, "space": space},
    ) == [
        "space.model.latent_size.kind: found 'intger'; did you mean 'integer'?; allowed: choice, "
        "uniform, log_uniform, integer, grid",
        "direction: found 'up'; allowed: 'minimize' or 'maximize'",
        "samples: found 0; allowed: a number greater than 0",
        "dataset: found 'mnits'; did you mean 'mnist'?; allowed: mnist, fashion_mnist, cifar10",
        "variant: found 'vea'; did you mean 'vae'?; allowed: conv, denoise, superres, vae, aae, "
        "ae2d, conv_vae",
        f"space.{LR}.high: found 0.1; allowed: a number above low, 0.2",
    ]
    *found, last = mistakes(tmp_path / "a.yaml", space=space, metric="loss")
    assert found[1:] == [
        f"space.{LR}.high: found 0.1; allowed: a number above low, 0.2",
        "space.training.optimizers.model.rl: unknown key; allowed: kind, lr, eps, beta1",
        "space.training.batch_size: found 'many'; allowed: a whole number",
    ]
    assert last.startswith(
        "metric: found 'loss'; allowed: validation_loss, validation_reconstruction, "
        "validation_kl, validation_mse, mse, bce, "
    )


def test_a_metric_of_the_evaluation_is_measured_on_validation_images(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml12.dump(yaml12.parse(SWEEP) | {"metric": "frechet_prior"}), "utf-8")
    assert sweep_file.load(path, LOADED).split == "validation"
    [mistake] = mistakes(path, metric="frechet_prior", scheduler="asha")
    assert mistake.startswith(
        "metric: found 'frechet_prior', which is measured after a training; allowed with scheduler "
        "asha: validation_loss, "
    )


@pytest.mark.parametrize(
    ("key", "domain", "mistake"),
    [
        (LR, {"kind": "log_uniform", "low": 0, "high": 1}, ".low: found 0; allowed: a number gr"),
        (LR, {"kind": "choice", "values": []}, ".values: found []; allowed: at least 1 item"),
        (LR, {"kind": "choice", "values": [1, 1]}, ".values: found 1 twice; list it once"),
        (LR, {"kind": "choice", "values": "1"}, ".values: found '1'; allowed: a list; write [1]"),
        (LR, {"kind": "grid", "values": [1]}, ".kind: found 'grid'; allowed with searcher tpe: ch"),
        (LR, {"values": [1]}, ".kind: missing; add it"),
        (LR, 3, ": found 3; allowed: keys with values"),
        ("model.hidden", {"kind": "choice", "values": [[8], [0]]}, ".0: found 0; allowed: a numb"),
        ("model.hidden", {"kind": "uniform", "low": 1, "high": 2}, ": found 1.0; allowed: a list"),
        ("training.epochs", {"kind": "uniform", "low": 1.5, "high": 2.5}, ": found 1.5; allowed:"),
        ("model", {"kind": "choice", "values": [{"kind": "mlp_vae"}]}, ".values: found keys with"),
    ],
)
def test_mistakes_of_one_key(tmp_path: Path, key: str, domain: Any, mistake: str) -> None:
    found = mistakes(tmp_path / "a.yaml", space={key: domain})
    assert found[0].startswith(f"space.{key}{mistake}")


@pytest.mark.parametrize("key", ["training.optimiser.lr", "training.epochs.x", "seed", "a..b"])
def test_a_key_that_no_variant_has(tmp_path: Path, key: str) -> None:
    [mistake] = mistakes(tmp_path / "a.yaml", space={key: {"kind": "choice", "values": [1]}})
    assert mistake.startswith(f"space.{key.split('.')[0]}")


def test_a_grid_searcher_needs_a_grid(tmp_path: Path) -> None:
    [mistake] = mistakes(tmp_path / "a.yaml", searcher="grid")
    assert mistake.startswith("searcher: found 'grid', but no key of space has kind: grid")


def test_a_value_that_only_the_network_refuses_is_no_mistake(tmp_path: Path) -> None:
    space = {"model.encoder_channels": {"kind": "choice", "values": [[8, 8], [8, 8, 8, 8, 8, 8]]}}
    path = tmp_path / "a.yaml"
    content = yaml12.parse(SWEEP) | {"variant": "conv", "space": space}
    path.write_text(yaml12.dump(content), "utf-8")
    file = sweep_file.load(path, LOADED)
    values = {"model.encoder_channels": [8] * 6}
    entry = sweep_file.with_values(LOADED.variants["conv"], values)
    refused = type(LOADED.variants["conv"]).model_validate(entry)
    assert file.samples
    assert params.why_impossible(refused, (1, 28, 28))


@pytest.mark.parametrize("content", ["", "3", "[]", "a: [", "\t"])
def test_other_content_is_one_mistake(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(UserError) as caught:
        sweep_file.load(path, LOADED)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"{path}")


@pytest.mark.parametrize(
    ("name", "message"), [("none.yaml", "is missing"), ("a b.yaml", "found the name 'a b'")]
)
def test_a_file_that_cannot_be_a_sweep(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        sweep_file.load(tmp_path / name, LOADED)


def test_perceptual_metrics_need_no_classifier(tmp_path: Path) -> None:
    perceptual = example("superres_perceptual")
    loaded = LOADED.model_copy(update={"variants": {"perceptual": perceptual}})
    content = yaml12.parse(SWEEP) | {"variant": "perceptual", "metric": "validation_features"}
    path = tmp_path / "a.yaml"
    space = {LR: {"kind": "uniform", "low": 0.01, "high": 0.1}}
    path.write_text(yaml12.dump(content | {"space": space}), "utf-8")
    assert sweep_file.load(path, loaded).metric == "validation_features"
