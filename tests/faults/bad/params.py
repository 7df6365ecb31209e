"""Bad params.yaml files: not YAML, wrong types and values, unknown keys, contradictions."""

from functools import partial
from textwrap import shorten

from tests.faults.case import Case, Change
from tests.faults.changes import (
    added,
    all_of,
    emptied,
    folder_instead,
    put,
    removed,
    replaced,
    without,
    written,
)

FILE = "params.yaml"
CONV, VAE = "variants.conv", "variants.vae"
OPTIMIZER = f"{CONV}.training.optimizers.model"
ADAM = {"kind": "adam", "lr": 1e-3}
PARTS = {
    "model": {"kind": "mlp_ae", "hidden": [8], "latent_size": 2},
    "objective": {"kind": "reconstruction", "loss": "mse"},
    "training": {"epochs": 1, "batch_size": 64, "optimizers": {"model": ADAM}},
}
PETS = {"folder": "pets", "size": 32, "channels": 3, "test_fraction": 0.2}

_case = partial(Case, "params")


def _check(name: str, bad: Change, *says: str, lines: int = 1) -> Case:
    return _case(name, "check", bad, (FILE, *says), lines=lines)


def _key(written: str, value: object, *says: str, key: str | None = None) -> Case:
    """Return a case where one key has an invalid value; the message must contain the key."""
    name = f"{written}: {shorten(repr(value), 60, placeholder=' …')}"
    return _check(name, put(written, value), f"{key or written}: ", *says)


SYNTAX = (
    _check("a list without its end", added(FILE, "\nmore: [mnist,\n"), "YAML", "line"),
    _check("indentation with a tab", added(FILE, "\nmore:\n\tkey: 1\n"), "YAML", "line"),
    _check("seed twice", added(FILE, "\nseed: 2\n"), "seed", "twice|duplicate"),
    _check(
        "a variant twice",
        replaced(FILE, "  denoise:", "  conv: {}\n  denoise:"),
        *("conv", "twice|duplicate"),
    ),
    _check(
        "Latin-1 bytes",
        written(FILE, "experiment: café\n".encode("latin-1")),
        "UTF-8",
    ),
    _check(
        "UTF-16, as Windows writes Unicode", written(FILE, "seed: 1\n".encode("utf-16")), "UTF-8"
    ),
    _check("a NUL byte", added(FILE, "\n# \0\n"), "YAML|NUL|character"),
    _check("an undefined alias", added(FILE, "\nmore: *adam\n"), "alias", "line"),
    _check(
        "a tag that runs code",
        added(FILE, '\nmore: !!python/object/apply:os.system ["touch ran"]\n'),
        *("python/object/apply", "line"),
    ),
    _check("two documents", added(FILE, "\n---\nseed: 2\n"), "document"),
    _check(
        "a merge conflict",
        replaced(FILE, "seed: 1", "<<<<<<< HEAD\nseed: 1\n=======\nseed: 2\n>>>>>>> other"),
        *("YAML", "line"),
    ),
    _check("an empty file", emptied(FILE), "the file|empty"),
    _check("the file of another program", written(FILE, '{"lr": 0.1}'), "lr: unknown", lines=10),
    _check(
        "a list that contains itself",
        replaced(FILE, "variants_to_run:\n- conv\n- vae", "variants_to_run: &a [*a]"),
        "variants_to_run",
    ),
    _check(
        "a folder in place of the file", folder_instead(FILE), "folder|directory|no params.yaml"
    ),
    _check("a missing file", removed(FILE), "no params.yaml|missing"),
)

TYPES = (
    _key("seed", "one", "'one'", "a whole number"),
    _key("datasets_to_run", {"mnist": True}, "list"),
    _key("data", None, "keys with values"),
    _key(f"{CONV}.training.epochs", "10", "'10'", "a whole number"),
    _key(f"{CONV}.training.optimizers.model.lr", "1,0e-3", "'1,0e-3'", "number"),
)

RANGES = (
    _key("data.train_fraction", 1, "less than 1"),
    _key("data.stand_in.train_images", 99, "100"),
    _key(f"{CONV}.training.epochs", 0, "greater than 0"),
    _key(f"{CONV}.training.optimizers.model.lr", float("nan"), "finite"),
    _key(f"{VAE}.model.latent_size", 0, "greater than 0"),
    _key(
        *("evaluation.noise_levels", {"noisy": [-0.1]}, "greater than or equal to 0"),
        key="evaluation.noise_levels.noisy.0",
    ),
    _key("data.datasets", {"pets": PETS | {"channels": 2}}, key="data.datasets.pets.channels"),
)

NAMES = (
    _key("sed", 1, "unknown", "did you mean 'seed'"),
    _key(f"{VAE}.model.hiden", [8], "unknown", "'hidden'"),
    _key(f"{CONV}.model.kind", "conv_ea", "did you mean 'conv_ae'"),
    _key(f"{CONV}.training.optimizers.model", {"kind": "sgd", "lr": 0.1}, key=f"{OPTIMIZER}.kind"),
    _key("datasets_to_run", ["minst"], "did you mean 'mnist'"),
    _check("no seed", without("seed"), "seed: missing"),
)

CONTRADICTIONS = (
    _key("data.datasets", {"mnist": PETS}, "published", key="data.datasets.mnist"),
    _key(
        *("variants.classifier", {"input": {"kind": "clean"}, **PARTS}, "choose another name"),
        key="variants.classifier",
    ),
    _check(
        "a variant's name with a space",
        put("variants.My VAE", {"input": {"kind": "clean"}, **PARTS}),
        *("variants.My VAE", "a-z"),
    ),
    _key(f"{VAE}.objective", {"kind": "reconstruction", "loss": "bce"}, "variational", key=VAE),
    _key(f"{CONV}.model.decoder_channels", [8], "28", "decoder_channels", key=CONV),
    _key("variants.superres.input.factor", 3, "28", "3", key="variants.superres"),
    _check(
        "two mistakes at once",
        all_of(put("seed", -1), put("data.train_fraction", 2)),
        *("seed: ", "data.train_fraction: "),
        lines=2,
    ),
    _case(
        "more stand-in images than fit in memory",
        "fetch mnist",
        put("data.stand_in.train_images", 10**12),
        ("data.stand_in", "1000000000000"),
    ),
)

CASES = (*SYNTAX, *TYPES, *RANGES, *NAMES, *CONTRADICTIONS)
