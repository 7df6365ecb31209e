"""Bad params.yaml files: not YAML, wrong types and values, unknown keys, contradictions."""

from functools import partial
from pathlib import Path
from textwrap import shorten

from tests.faults.case import Case, Change
from tests.faults.changes import (
    added,
    all_of,
    emptied,
    folder_instead,
    linked,
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
PETS = {"folder": "pets", "side": 32, "channels": 3, "test_fraction": 0.2}
PATCHES = {"patches": {"side": 16, "per_image": 4}}

_case = partial(Case, "params")


def _check(name: str, bad: Change, *says: str, lines: int = 1, goes_on: bool = False) -> Case:
    says = () if goes_on else (FILE, *says)
    return _case(name, "check", bad, says, lines=lines, goes_on=goes_on)


def _key(written: str, value: object, *says: str, key: str | None = None) -> Case:
    """Return a case where one key has an invalid value; the message must contain the key."""
    name = f"{written}: {shorten(repr(value), 60, placeholder=' …')}"
    return _check(name, put(written, value), f"{key or written}: ", *says)


def _of_windows(world: Path) -> None:
    """Write params.yaml as an editor on Windows does."""
    content = (world / FILE).read_text("utf-8")
    (world / FILE).write_bytes(content.replace("\n", "\r\n").encode("utf-8-sig"))


def _dataset(name: str, own: dict[str, object], *says: str, called: object = "pets") -> Case:
    """Return a case of a folder of images with invalid keys; `called` is the dataset's name."""
    bad = put("data.datasets", {called: {"folder": "pets", "channels": 3} | own})
    return _check(name, bad, f"data.datasets.{called}", *says)


def _weights(name: str, weights: str, *says: str) -> Case:
    """Return a case of initial weights with which a training cannot start."""
    key = "training.initial_weights"
    return _case(
        name, "train mnist vae", put(f"{VAE}.{key}", weights), (key, *says), needs="trained"
    )


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
    _check("a link to nowhere", linked(FILE, "/nowhere/params.yaml"), "missing|no such file"),
    _check("quotes of a word processor", replaced(FILE, "seed: 1", "seed: “1”"), "seed", "number"),
    _check("a key without a space", replaced(FILE, "seed: 1", "seed:1"), "YAML", "line"),
    _check("a space that does not break", replaced(FILE, "seed: 1", "seed:\u00a01"), "line"),
    _check("digits of another script", replaced(FILE, "seed: 1", "seed: １"), "seed", "number"),
    _check("a day that does not exist", added(FILE, "\nday: 2026-02-30\n"), "line", "2026-02-30"),
    _check("a text without its end", added(FILE, '\nmore: "mnist\n'), "YAML", "line"),
    _check("a bell", added(FILE, "\n# \a\n"), "line", "delete"),
    _check("lines of Windows and a byte order mark", _of_windows, lines=0, goes_on=True),
)

TYPES = (
    _key("seed", "one", "'one'", "a whole number"),
    _key("datasets_to_run", {"mnist": True}, "list"),
    _key("data", None, "keys with values"),
    _key(f"{CONV}.training.epochs", "10", "'10'", "a whole number"),
    _key(f"{CONV}.training.optimizers.model.lr", "1,0e-3", "'1,0e-3'", "number"),
    _key("seed", 1.5, "1.5", "a whole number"),
    _key(f"{VAE}.training.initial_weights", 5, "5", "text"),
    _key("seed", True, "True", "a whole number"),
    _key("experiment", 2026, "2026", "quotes"),
    _key("datasets_to_run", "mnist", "'mnist'", "write [mnist]"),
    _key("evaluation.label_counts", 100, "100", "write [100]"),
    _key(f"{VAE}.model.hidden", 512, "512", "write [512]"),
    _key("variants_to_run", ["conv", 2], "2", "quotes", key="variants_to_run.1"),
    _key("data.datasets", ["pets"], "'pets'", "keys with values"),
    _key(f"{VAE}.input", "clean", "'clean'", "keys with values|kind"),
    _dataset("a number as a dataset's name", PETS, "2026", "quotes", called=2026),
    _dataset("a share in percent", PETS | {"test_fraction": "20%"}, "'20%'", "number"),
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
    _dataset("a share above 1", PETS | {"test_fraction": 20}, "test_fraction", "less than 1"),
    _dataset("images of 6000 pixels", PETS | {"side": 6000}, "side", "4096"),
    _dataset("no letter as the folder", PETS | {"folder": ""}, "folder: found ''"),
    _key(f"{CONV}.training.batch_size", 0, "greater than 0"),
    _key(f"{CONV}.training.ema_decay", 1, "less than 1"),
    _key(f"{CONV}.training.early_stopping_patience", 0, "greater than 0"),
    _key("figures.manifold_steps", 1, "2"),
    _key("variants_to_run", [], "1"),
)

NAMES = (
    _key("sed", 1, "unknown", "did you mean 'seed'"),
    _key(f"{VAE}.model.hiden", [8], "unknown", "'hidden'"),
    _key(f"{CONV}.model.kind", "conv_ea", "did you mean 'conv_ae'"),
    _key(f"{CONV}.training.optimizers.model", {"kind": "sgd", "lr": 0.1}, key=f"{OPTIMIZER}.kind"),
    _key("datasets_to_run", ["minst"], "did you mean 'mnist'"),
    _check("no seed", without("seed"), "seed: missing"),
    _key("variants_to_run", ["conv", "vea"], "did you mean 'vae'"),
    _key("datasets_to_run", ["mnist", "mnist"], "twice"),
    _key("data.source", "offline", "official"),
    _key("evaluation.samplers", ["gausian"], "gaussian", key="evaluation.samplers.0"),
    _key(f"{CONV}.training.framework", "jax", "torch"),
    _key(f"{CONV}.training.initialization", "kaming", "kaiming"),
    _key(
        *(f"{VAE}.training.schedule", {"kind": "cosine"}, "one_cycle"),
        key=f"{VAE}.training.schedule.kind",
    ),
    _key(f"{CONV}.training.optimizers", {"modell": ADAM}, "exactly model", key=CONV),
    _check("no input", without(f"{CONV}.input"), f"{CONV}.input: missing"),
    _check("no kind", without(f"{CONV}.input.kind"), f"{CONV}.input.kind: missing"),
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
    _key("variants.denoise.input.std", [0.5, 0.1], "lower one first", key="variants.denoise"),
    _dataset("a side and patches", PETS | PATCHES, "side and patches"),
    _dataset("resized patches", PATCHES | {"misfits": "resize"}, "'resize'", "refuse, skip"),
    _dataset("a dataset without a side", {}, "side: missing", "patches"),
    _dataset("a dataset with a hyphen", PETS, "a-z, 0-9 and _", called="my-pets"),
    _dataset("a dataset with 81 letters", PETS, "80", called="p" * 81),
    _check(
        "two mistakes at once",
        all_of(put("seed", -1), put("data.train_fraction", 2)),
        *("seed: ", "data.train_fraction: "),
        lines=2,
    ),
    _weights("missing initial weights", "nowhere", "'nowhere'", "does not exist"),
    _weights("initial weights of another model", "mnist_denoise", "missing: ", "unexpected: "),
    _weights("damaged initial weights", FILE, "damaged", "safetensors"),
    _case(
        "more stand-in images than fit in memory",
        "fetch mnist",
        put("data.stand_in.train_images", 10**12),
        ("data.stand_in", "1000000000000"),
    ),
)

CASES = (*SYNTAX, *TYPES, *RANGES, *NAMES, *CONTRADICTIONS)
