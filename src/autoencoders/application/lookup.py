"""The trained variant that people name on the command line."""

from pathlib import Path

from autoencoders import paths
from autoencoders.errors import UserError
from autoencoders.images.names import printable
from autoencoders.params import suggestion
from autoencoders.pipeline import Item
from autoencoders.trained.weights import WEIGHTS


def trained(named: str) -> Item:
    """Return the training of `<dataset>/<variant>`.

    Raises:
        UserError: there is none; the message has those that there are.
    """
    found = sorted(Path().glob(f"{paths.model('*', '*')}/{WEIGHTS}"))
    known = ["/".join(path.parent.parts[-2:]) for path in found]
    known = [name for name in known if not name.endswith(f"/{paths.CLASSIFIER}")]
    dataset, slash, variant = named.partition("/")
    item = Item("train", dataset, variant)
    if named in known:
        return item
    if not slash:
        trained = ", ".join(known) or "none yet"
        raise UserError(f"found {named!r}; allowed: <dataset>/<variant>; trained: {trained}")
    shown = printable(named)
    if variant == paths.CLASSIFIER:
        allowed = ", ".join(known) or "none yet"
        raise UserError(f"{shown} tells classes, and is no autoencoder; trained: {allowed}")
    if known:
        raise UserError(f"{shown} is not trained{suggestion(named, known)}, or train it first")
    raise UserError(f"{shown} is not trained: run `dvc repro {printable(item.name)}`")
