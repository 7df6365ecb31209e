from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from autoencoders import params, yaml12
from autoencoders.errors import UserError
from autoencoders.params.schema import IGNORED_BY_DVC, ImageFolder, Params
from autoencoders.training.optimizers import OPTIMIZERS
from autoencoders.training.tensorflow import supported
from autoencoders.variants.assembly import assemble
from autoencoders.variants.inputs import INPUTS, Downsampled
from autoencoders.variants.models import MODELS
from autoencoders.variants.models.convolutional import ConvAE
from autoencoders.variants.objectives.adversarial import Adversarial, discriminate
from autoencoders.variants.priors import PRIORS

SHIPPED = Path(__file__).parents[1] / "params.yaml"

EXAMPLE = """
seed: 1
experiment: example
datasets_to_run: [mnist]
variants_to_run: [conv, vae]
data:
  seed: 1
  source: auto
  train_fraction: 0.9
  stand_in: {train_images: 1000, test_images: 100}
  datasets: {}
variants:
  conv:
    input: {kind: noisy, mean: 0.5, std: 0.3}
    model: {kind: conv_ae, encoder_channels: [4, 4], decoder_channels: [4, 4], upsampling: nearest}
    objective: {kind: reconstruction, loss: bce}
    training:
      epochs: 3
      batch_size: 32
      optimizers: {model: {kind: adam, lr: 1.0e-3, eps: 1.0e-8}}
      schedule: {kind: constant}
      initialization: default
      precision: auto
      ema_decay: 0.0
      early_stopping_patience: null
  vae:
    input: {kind: clean}
    model: {kind: mlp_vae, hidden: [16], latent_size: 2}
    objective: {kind: variational, likelihood: gaussian}
    training:
      epochs: 3
      batch_size: 32
      optimizers: {model: {kind: rmsprop, lr: 1.0e-3, eps: 1.0e-8}}
      schedule: {kind: one_cycle, warmup: 0.1, final: 0.0}
      initialization: kaiming
      precision: float32
      ema_decay: 0.0
      early_stopping_patience: null
classifier:
  channels: [4, 4]
  features: 8
  epochs: 1
  batch_size: 32
  optimizer: {kind: adam, lr: 1.0e-3, eps: 1.0e-8}
  schedule: {kind: constant}
evaluation:
  batch_size: 100
  elbo_draws: 2
  iwae_samples: 5
  knn_neighbours: 5
  label_counts: [20]
  label_draws: 2
  noise_levels: {noisy: [0.1, 0.3]}
  noise_images: 50
figures:
  images: 8
  manifold_steps: 10
  perturbed_dimensions: 3
  perturbation_steps: 5
  interpolated_pairs: 2
  fitted_codes: 100
  mixture_components: 3
"""

REMOVED = object()


def edited(key: str, value: Any) -> Any:
    """Return the example with one dotted key set or removed."""
    content = yaml12.parse(EXAMPLE)
    edit(content, key, value)
    return content


def edit(content: Any, key: str, value: Any) -> None:
    """Set or remove one dotted key of `content`."""
    *parents, last = key.split(".")
    for name in parents:
        content = content[name]
    if value is REMOVED:
        del content[last]
    else:
        content[last] = value


def complaint(content: Any) -> str:
    with pytest.raises(UserError) as caught:
        params.parse(content, "params.yaml")
    return str(caught.value)


def with_variant(lines: str) -> params.Params:
    """Return the example with one more variant, given as YAML."""
    content = yaml12.parse(EXAMPLE)
    content["variants"] |= yaml12.parse(lines)
    content["variants_to_run"].append("new")
    return params.parse(content, "params.yaml")


# --- valid files


def test_the_shipped_file_is_valid() -> None:
    assert params.load(SHIPPED).variants_to_run


def test_values_have_types() -> None:
    example = params.parse(yaml12.parse(EXAMPLE), "params.yaml")
    assert example.variants["conv"].training.epochs == 3
    assert example.data.stand_in.train_images == 1000
    assert example.variants["vae"].training.schedule.kind == "one_cycle"


def test_components_build_objects_of_their_kind() -> None:
    conv = params.parse(yaml12.parse(EXAMPLE), "params.yaml").variants["conv"]
    shape = (1, 28, 28)
    model = conv.model.build(input_shape=shape, image_shape=shape)
    assert isinstance(model, ConvAE)
    assert model.latent_shape == (4, 7, 7)
    assert conv.input.build().shape(shape) == shape
    (adam,) = conv.training.optimizers["model"].build(parameters=list(model.parameters()))
    assert isinstance(adam, torch.optim.Adam)
    assert (adam.defaults["lr"], adam.defaults["eps"]) == (1e-3, 1e-8)
    assert conv.training.schedule.build()(0.5) == 1


def test_a_denoising_vae_is_four_lines() -> None:
    new = with_variant("""
new:
  input: {kind: noisy, mean: 0.5, std: 0.3}
  model: {kind: mlp_vae, hidden: [512], latent_size: 2}
  objective: {kind: variational, likelihood: bernoulli}
  training: {epochs: 30, batch_size: 256, optimizers: {model: {kind: rmsprop, lr: 1.0e-3}}}
""").variants["new"]
    kinds = (new.input.kind, new.model.kind, new.objective.kind)
    assert kinds == ("noisy", "mlp_vae", "variational")


def test_a_super_resolution_adversarial_autoencoder_is_four_lines() -> None:
    new = with_variant("""
new:
  input: {kind: downsampled, factor: 2, reduction: bilinear}
  model: {kind: conv_ae, encoder_channels: [16, 8], decoder_channels: [8, 8, 16]}
  objective: {kind: adversarial, discriminator_hidden: [500, 500]}
  training: {epochs: 30, batch_size: 256, optimizers: {autoencoder: &adam {kind: adam, lr: 1.0e-4},
    discriminator: *adam, generator: *adam}}
""").variants["new"]
    assembled = assemble(new, (1, 28, 28))
    assert isinstance(assembled.input, Downsampled)
    assert isinstance(assembled.objective, Adversarial)
    networks = assembled.networks
    seen = torch.rand(2, 1, 14, 14)
    assert networks.model(seen).shape == (2, 1, 28, 28)
    assert discriminate(networks, networks.model.encode(seen)).shape == (2,)


# --- defaults

TRAINING = "variants.conv.training"
MODEL = "variants.conv.model"
ADAM = f"{TRAINING}.optimizers.model"


@pytest.mark.parametrize(
    "key",
    [
        f"{MODEL}.upsampling",
        f"{ADAM}.eps",
        f"{TRAINING}.schedule",
        f"{TRAINING}.initialization",
        f"{TRAINING}.precision",
        f"{TRAINING}.ema_decay",
        f"{TRAINING}.early_stopping_patience",
        "variants.vae.training.schedule.final",
        "classifier.schedule",
        "classifier.optimizer.eps",
    ],
)
def test_keys_with_default_values_can_be_left_out(key: str) -> None:
    """The example contains all default values, so removing one changes nothing."""
    complete = params.parse(yaml12.parse(EXAMPLE), "params.yaml")
    assert params.parse(edited(key, REMOVED), "params.yaml") == complete


def test_defaults_of_muon_are_those_of_its_paper() -> None:
    muon = edited(ADAM, {"kind": "muon", "lr": 0.02, "adam_lr": 1e-3})
    optimizer = params.parse(muon, "params.yaml").variants["conv"].training.optimizers["model"]
    assert optimizer.model_dump() == {
        **{"kind": "muon", "lr": 0.02, "adam_lr": 1e-3},
        **{"momentum": 0.95, "eps": 1e-8},
    }


def test_a_missing_key_has_the_default_of_its_own_mapping() -> None:
    content = edited("variants.vae.training.initialization", REMOVED)
    assert params.parse(content, "params.yaml").variants["vae"].training.initialization == "default"


# --- one mistake at a time


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        # unknown and missing keys
        ("sead", 1, "unknown key; did you mean 'seed'?; allowed: seed, experiment, datasets"),
        (
            *(f"{TRAINING}.epoch", 3),
            "unknown key; did you mean 'epochs'?; allowed: epochs, batch_size, optimizers",
        ),
        (f"{ADAM}.epsilon", 1e-8, "unknown key; did you mean 'eps'?; allowed: kind, lr, eps"),
        ("variants.vae.input.mean", 0.5, "unknown key; allowed: kind"),
        ("figures.zzz", 1, "unknown key; allowed: images, manifold_steps"),
        (
            *("evaluation.noise_levels", {"nois": [0.1]}),
            f"found 'nois'; did you mean 'noisy'?; allowed: {', '.join(INPUTS)}",
        ),
        (f"{TRAINING}.epochs", REMOVED, "missing; add it"),
        (f"{ADAM}.lr", REMOVED, "missing; add it"),
        (f"{MODEL}.kind", REMOVED, "missing; add it"),
        ("data.seed", REMOVED, "missing; add it with the value of seed, which decided the split"),
        ("variants.conv.objective", REMOVED, "missing; add it"),
        # wrong types
        (f"{TRAINING}.epochs", "ten", "found 'ten'; allowed: a whole number"),
        (f"{TRAINING}.epochs", 3.5, "found 3.5; allowed: a whole number"),
        (f"{TRAINING}.epochs", True, "found True; allowed: a whole number"),
        (f"{TRAINING}.epochs", None, "found null; allowed: a whole number"),
        (f"{ADAM}.lr", "fast", "found 'fast'; allowed: a number"),
        ("experiment", 3, "found 3; allowed: text"),
        ("variants_to_run", "conv", "found 'conv'; allowed: a list"),
        (f"{MODEL}.encoder_channels", 16, "found 16; allowed: a list"),
        ("variants.conv", "x", "found 'x'; allowed: keys with values"),
        (MODEL, "conv_ae", "found 'conv_ae'; allowed: keys with values"),
        # wrong values
        (f"{TRAINING}.epochs", -3, "found -3; allowed: a number greater than 0"),
        (f"{TRAINING}.batch_size", 0, "found 0; allowed: a number greater than 0"),
        (f"{ADAM}.lr", -1e-3, "found -0.001; allowed: a number greater than 0"),
        (f"{ADAM}.lr", float("inf"), "found inf; allowed: a finite number"),
        ("variants.conv.input.mean", float("nan"), "found nan; allowed: a finite number"),
        ("variants.conv.input.std", 0.0, "found 0.0; allowed: a number greater than 0"),
        ("variants.vae.training.schedule.final", 1.0, "found 1.0; allowed: a number less than 1"),
        ("data.train_fraction", 1.5, "found 1.5; allowed: a number less than 1"),
        ("data.train_fraction", 0, "found 0; allowed: a number greater than 0"),
        ("data.source", "oficial", "found 'oficial'; allowed: 'official', 'stand-in' or 'auto'"),
        (f"{MODEL}.upsampling", "cubic", "found 'cubic'; allowed: 'nearest', 'bilinear' or 'trans"),
        (f"{TRAINING}.precision", "half", "found 'half'; allowed: 'auto', 'float32' or 'bfloat16'"),
        ("classifier.channels", [], "found []; allowed: at least 1 item"),
        ("variants_to_run", [], "found []; allowed: at least 1 item"),
        (f"{MODEL}.encoder_channels", [], "found []; allowed: at least 1 item"),
        ("classifier.batch_size", 0, "found 0; allowed: a number greater than 0"),
        ("classifier.optimizer.kind", "sgd", f"found 'sgd'; allowed: {', '.join(OPTIMIZERS)}"),
        ("evaluation.iwae_samples", 0, "found 0; allowed: a number greater than 0"),
        ("seed", -1, "found -1; allowed: a number greater than or equal to 0"),
        ("data.seed", -1, "found -1; allowed: a number greater than or equal to 0"),
        # names of components and of what to run
        (
            *(f"{MODEL}.kind", "conv-ae"),
            f"found 'conv-ae'; did you mean 'conv_ae'?; allowed: {', '.join(MODELS)}",
        ),
        (f"{ADAM}.kind", "sgd", f"found 'sgd'; allowed: {', '.join(OPTIMIZERS)}"),
        (
            *("datasets_to_run", ["mnst"]),
            "found 'mnst'; did you mean 'mnist'?; allowed: mnist, fashion_mnist, cifar10",
        ),
        ("variants_to_run", ["con"], "found 'con'; did you mean 'conv'?; allowed: conv, vae"),
        ("variants_to_run", ["conv", "vae", "conv"], "found 'conv' twice; list it once"),
    ],
)
def test_an_error_is_one_line_with_key_found_value_and_allowed_values(
    key: str, value: Any, expected: str
) -> None:
    message = complaint(edited(key, value))
    assert message.startswith(f"params.yaml: {key}: {expected}")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (
            {"kind": "standard-normal"},
            "kind: found 'standard-normal'; did you mean 'standard_normal'?; "
            f"allowed: {', '.join(PRIORS)}",
        ),
        ({"mean": 1.0}, "kind: missing; add it"),
        ({"kind": "standard_normal", "mean": 1.0}, "mean: unknown key; allowed: kind"),
    ],
)
def test_an_error_in_a_nested_component(prior: Any, expected: str) -> None:
    message = complaint(edited("variants.vae.objective.prior", prior))
    assert message == f"params.yaml: variants.vae.objective.prior.{expected}"


def test_an_error_in_a_list_has_the_index_of_the_item() -> None:
    message = complaint(edited(f"{MODEL}.encoder_channels", [16, 0]))
    assert (
        message
        == f"params.yaml: {MODEL}.encoder_channels.1: found 0; allowed: a number greater than 0"
    )


@pytest.mark.parametrize("name", ["../etc", "Denoise", "a b", ""])
def test_names_of_variants_must_be_valid_in_paths_and_stages(name: str) -> None:
    content = yaml12.parse(EXAMPLE)
    content["variants"][name] = content["variants"]["conv"]
    assert f"found {name!r}" in complaint(content)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("variants_to_run", "vae", "found 'vae'; allowed: a list; write [vae]"),
        ("datasets_to_run", "3", "found 3; allowed: a list; write [3]"),
        ("datasets_to_run", "null", "found null; allowed: a list"),
        ("experiment", "1e5", "found 100000.0; allowed: text; write it in quotes"),
        (
            "experiment",
            "2026-01-02",
            "found datetime.date(2026, 1, 2); allowed: text; write it in quotes",
        ),
        (
            "evaluation.noise_levels",
            "{1: [0.1]}",
            "found 1; allowed: text; write it in quotes",
        ),
        ("figures", "{1: 2}", "found a key that is not text; write it in quotes"),
        (f"{ADAM}.lr", "inf", "found 'inf'; allowed: a number"),
        (f"{ADAM}.lr", "'1e-3'", "found '1e-3'; allowed: a number"),
        ("experiment", f"[{'long, ' * 1000}]", "found ['long', 'long', "),
    ],
)
def test_an_error_about_a_type_says_how_to_write_the_value(
    key: str, text: str, expected: str
) -> None:
    message = complaint(edited(key, yaml12.parse(text)))
    (line,) = (line for line in message.splitlines() if expected in line)
    assert line.startswith(f"params.yaml: {key}")
    assert len(line) < 300


def test_all_errors_are_reported_together() -> None:
    content = edited(f"{TRAINING}.epochs", -1)
    content["data"]["train_fraction"] = 1.5
    content["sead"] = content.pop("seed")
    content["variants"]["vae"]["model"]["kind"] = "mlp_var"
    lines = complaint(content).splitlines()
    assert all(line.startswith("params.yaml: ") for line in lines)
    assert {line.split(": ")[1] for line in lines} == {
        *("seed", "sead", "data.train_fraction"),
        *(f"{TRAINING}.epochs", "variants.vae.model.kind"),
    }


# --- values that are valid alone but not together


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (
            *(MODEL, {"kind": "mlp_vae", "hidden": [16], "latent_size": 2}),
            "objective: found reconstruction with a variational model, whose log-variance",
        ),
        (
            *("variants.vae.model", {"kind": "mlp_ae", "hidden": [16], "latent_size": 2}),
            "objective: found variational with a model that is not variational; allowed: a ",
        ),
        (
            *("variants.conv.input", {"kind": "downsampled", "factor": 3, "reduction": "average"}),
            "input.factor: found 3 for images of 28×28; allowed: a divisor",
        ),
        (
            *(f"{MODEL}.decoder_channels", [4]),
            "model.decoder_channels: found [4], which enlarges 7×7 to 14×14; allowed: more "
            "entries, to reach 28×28",
        ),
        (
            *(f"{TRAINING}.optimizers", {"modell": {"kind": "adam", "lr": 0.1, "eps": 0.1}}),
            "training.optimizers: found modell; allowed: exactly model",
        ),
        (
            *("variants.conv.objective", {"kind": "adversarial", "discriminator_hidden": [9]}),
            "training.optimizers: found model; "
            "allowed: exactly autoencoder, discriminator, generator",
        ),
    ],
)
def test_an_impossible_variant_is_an_error_with_the_reason(
    key: str, value: Any, expected: str
) -> None:
    variant = ".".join(key.split(".")[:2])
    message = complaint(edited(key, value))
    assert message.startswith(f"params.yaml: {variant}: {expected}")
    assert "\n" not in message


CONV_VAE = {
    **{"kind": "conv_vae", "encoder_channels": [4], "decoder_channels": [4], "latent_size": 2}
}


@pytest.mark.parametrize(
    ("variant", "key", "value", "expected"),
    [
        ("vae", "model", CONV_VAE, "not support the model conv_vae; allowed: conv_ae, mlp_ae"),
        (
            *(
                "conv",
                "objective",
                {"kind": "perceptual", "pixel_loss": "bce", "pixel_weight": 1.0},
            ),
            "not support the objective perceptual; allowed: reconstruction",
        ),
        ("conv", "training.ema_decay", 0.9, "not support training.ema_decay 0.9; allowed: 0.0"),
        ("vae", "objective.bound", "iwae", "not support objective.bound iwae; allowed: elbo"),
    ],
)
def test_unsupported_parts_under_tensorflow_are_refused_with_the_reason(
    variant: str, key: str, value: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supported, "installed", lambda: True)
    content = edited(f"variants.{variant}.{key}", value)
    edit(content, f"variants.{variant}.training.framework", "tensorflow")
    assert expected in complaint(content)


def test_tensorflow_supports_only_the_standard_normal_prior() -> None:
    vae = params.parse(yaml12.parse(EXAMPLE), "params.yaml").variants["vae"]
    other = vae.objective.model_copy(update={"prior": SimpleNamespace(kind="mixture")})
    reason = supported.why_unsupported(vae.model_copy(update={"objective": other}))
    assert reason is not None
    assert "the prior mixture; allowed: standard_normal" in reason


def test_without_tensorflow_only_variants_to_run_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supported, "MODULES", ("no_such_module",))
    content = edited("variants.vae.training.framework", "tensorflow")
    message = complaint(content)
    assert message.startswith("params.yaml: variants.vae: training.framework: found 'tensorflow'")
    assert "run `make tensorflow` or `pip install -e '.[tensorflow]'`" in message
    params.parse(content | {"variants_to_run": ["conv"]}, "params.yaml")


def test_variants_that_do_not_run_are_also_checked() -> None:
    content = edited("variants_to_run", ["vae"])
    content["variants"]["conv"]["model"]["decoder_channels"] = [4]
    content["variants"]["vae"]["objective"] = {"kind": "reconstruction", "loss": "bce"}
    conv, vae = complaint(content).splitlines()
    assert conv.startswith("params.yaml: variants.conv: model.decoder_channels: found [4], which")
    assert vae.startswith("params.yaml: variants.vae: objective: found reconstruction with a")


def test_a_variant_for_a_dataset_that_does_not_run_is_valid() -> None:
    content = yaml12.parse(EXAMPLE)
    eightfold = {"kind": "downsampled", "factor": 8, "reduction": "average"}
    content["variants"]["conv"]["input"] = eightfold  # fits only 32×32 and 64×64
    content["variants"]["conv"]["model"]["decoder_channels"] = [4] * 5
    content["variants_to_run"] = ["vae"]
    params.parse(content, "params.yaml")
    content["variants_to_run"] = ["conv"]
    assert "input.factor: found 8 for images of 28×28" in complaint(content)
    content["datasets_to_run"] = ["cifar10"]
    params.parse(content, "params.yaml")


# --- the user's datasets

PETS = {"folder": "pets", "side": 64, "channels": 3}


def test_a_folder_of_images_is_a_dataset() -> None:
    content = edited("data.datasets", {"pets": PETS})
    content["datasets_to_run"] = ["mnist", "pets"]
    loaded = params.parse(content, "params.yaml")
    assert params.image_shapes(loaded)["pets"] == (3, 64, 64)
    assert params.image_shapes(loaded)["cifar10"] == (3, 32, 32)
    assert isinstance(pets := loaded.data.datasets["pets"], ImageFolder)
    assert pets.misfits == "refuse"


def test_a_published_dataset_can_be_binarised_under_another_name() -> None:
    binary = {"of": "mnist", "binarize": "dynamic"}
    content = edited("data.datasets", {"mnist_dynamic": binary, "pets": PETS})
    content["datasets_to_run"] = ["mnist_dynamic"]
    loaded = params.parse(content, "params.yaml")
    assert params.image_shapes(loaded)["mnist_dynamic"] == (1, 28, 28)
    assert loaded.model_dump(mode="json")["data"]["datasets"]["mnist_dynamic"] == binary | {
        "title": None
    }


def test_an_error_about_an_unknown_dataset_lists_all_datasets() -> None:
    content = edited("data.datasets", {"pets": PETS})
    content["datasets_to_run"] = ["pet"]
    assert complaint(content) == (
        "params.yaml: datasets_to_run: found 'pet'; did you mean 'pets'?; "
        "allowed: mnist, fashion_mnist, cifar10, pets"
    )


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("pets.channels", 4, "found 4; allowed: 1 or 3"),
        ("pets.side", 0, "found 0; allowed: a number greater than 0"),
        ("pets.misfits", "crop", "found 'crop'; allowed: 'refuse', 'skip' or 'resize'"),
        ("pets.test_fraction", 1.0, "found 1.0; allowed: a number less than 1"),
        ("pets.sidee", 3, "unknown key; did you mean 'side'?; allowed: folder, side, patches"),
        ("pets.folder", REMOVED, "missing; add it"),
        ("pets.side", REMOVED, "missing; add it, or patches to cut from images of any size"),
        ("binary.of", "mnst", "found 'mnst'; did you mean 'mnist'?; allowed: mnist, fashion"),
        ("binary.binarize", "often", "found 'often'; allowed: 'dynamic' or 'static'"),
        ("binary.folder", "pets", "unknown key; allowed: of, binarize, title"),
        ("mnist", PETS, "a published dataset has this name; choose another name"),
        ("size", PETS, "DVC does not notice changes of a key with this name; choose another"),
    ],
)
def test_an_error_in_a_dataset(key: str, value: Any, expected: str) -> None:
    binary = {"of": "mnist", "binarize": "static"}
    content = edited("data.datasets", {"pets": dict(PETS), "binary": binary})
    edit(content, f"data.datasets.{key}", value)
    assert complaint(content).startswith(f"params.yaml: data.datasets.{key}: {expected}")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ": found side and patches; allowed: one of them"),
        ({"side": None, "misfits": "resize"}, ".misfits: found 'resize'; allowed with patches"),
    ],
)
def test_patches_replace_the_size_of_images(changes: dict[str, Any], expected: str) -> None:
    patches = {"patches": {"side": 16, "per_image": 2}}
    content = edited("data.datasets", {"pets": PETS | patches | changes})
    content["datasets_to_run"] = ["pets"]
    assert complaint(content).startswith(f"params.yaml: data.datasets.pets{expected}")
    content = edited("data.datasets", {"pets": PETS | patches | {"side": None}})
    assert params.image_shapes(params.parse(content, "params.yaml"))["pets"] == (3, 16, 16)


def test_no_key_has_a_name_that_dvc_s_cache_of_runs_ignores() -> None:
    def keys(schema: Any) -> Iterator[str]:
        for name, value in schema.items() if isinstance(schema, dict) else ():
            yield from value if name == "properties" else ()
            yield from keys(value)

    found = set(keys(Params.model_json_schema()))
    assert {"per_image", "latent_size", "optimizers"} < found
    assert found.isdisjoint(IGNORED_BY_DVC)


@pytest.mark.parametrize("name", ["models/mnist/vae", "models/mnist/vae/model.safetensors"])
def test_a_variant_cannot_start_from_its_own_weights(name: str) -> None:
    content = edited("variants.vae.training.initial_weights", name)
    assert f"vae: training.initial_weights: found {name!r}, which DVC deletes" in complaint(content)
    content = edited("variants.vae.training.initial_weights", "models/mnist/vae_of_before")
    params.parse(content, "params.yaml")


def test_no_variant_may_be_called_classifier() -> None:
    content = yaml12.parse(EXAMPLE)
    content["variants"]["classifier"] = content["variants"]["conv"]
    assert "variants.classifier: reserved for classifiers; choose another name" in complaint(
        content
    )


# --- the file


def test_an_error_about_a_missing_file_says_how_to_restore_it(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"params\.yaml is missing: run `git checkout params\.yaml`"
    ):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("text", ["", "# seed: 1\n"])
def test_an_error_about_an_empty_file_says_how_to_restore_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml is empty: run `git checkout params\.yaml`"):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("text", ["[]", "just text"])
def test_a_file_without_keys_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml: the file: found"):
        params.load(tmp_path / "params.yaml")
