"""The trained variant that people name on the command line."""

from pathlib import Path

from autoencoders import paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.errors import UserError
from autoencoders.params import suggestion
from autoencoders.pipeline import Item
from autoencoders.trained import variant
from autoencoders.trained.variant import BATCH, Trained


def load(named: str, batch_size: int = BATCH) -> Trained:
    """Return the trained variant `<dataset>/<variant>`, on the device that computes.

    Raises:
        UserError: there is none, and the message has those that there are; or it is damaged.
    """
    dataset, slash, name = named.partition("/")
    found = sorted(Path().glob(f"{paths.model('*', '*')}/{paths.WEIGHTS}"))
    known = ["/".join(path.parts[-3:-1]) for path in found if path.parts[-2] != paths.CLASSIFIER]
    if named in known:
        data = Prepared(paths.prepared(dataset))
        return variant.load(paths.model(dataset, name), data, exact_device(), batch_size)
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
        advice = f": run `dvc repro {Item('train', dataset, name).name!r}`"
    raise UserError(f"found {named!r}, which is not trained{advice}")
