"""The trained variant that people name on the command line."""

from pathlib import Path

from autoencoders import paths
from autoencoders.data.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.errors import UserError
from autoencoders.params import suggestion
from autoencoders.pipeline import Item
from autoencoders.trained import variant
from autoencoders.trained.variant import BATCH, Trained


def load(named: str, batch_size: int = BATCH) -> Trained:
    """Return the trained variant `<dataset>/<variant>`, on the device that computes.

    Raises:
        UserError: there is none, or what was trained is damaged.
    """
    item = _item(named)
    data = Prepared(paths.prepared(item.dataset))
    folder = paths.model(item.dataset, item.variant)
    return variant.load(folder, data, exact_device(), batch_size)


def _item(named: str) -> Item:
    """Return the training of `<dataset>/<variant>`.

    Raises:
        UserError: there is none; the message has those that there are.
    """
    found = sorted(Path().glob(f"{paths.model('*', '*')}/{paths.WEIGHTS}"))
    known = ["/".join(path.parent.parts[-2:]) for path in found]
    known = [name for name in known if not name.endswith(f"/{paths.CLASSIFIER}")]
    dataset, slash, name = named.partition("/")
    item = Item("train", dataset, name)
    if named in known:
        return item
    allowed = ", ".join(known) or "none yet"
    if not slash:
        raise UserError(f"found {named!r}; allowed: <dataset>/<variant>; trained: {allowed}")
    if name == paths.CLASSIFIER:
        raise UserError(
            f"found {named!r}, which tells classes, and is no autoencoder; trained: {allowed}"
        )
    if known:
        advice = f"{suggestion(named, known)}, or train it first"
    else:
        advice = f": run `dvc repro {item.name!r}`"
    raise UserError(f"found {named!r}, which is not trained{advice}")
