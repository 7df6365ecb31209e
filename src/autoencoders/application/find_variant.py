"""Loading of the trained variant that the user gives on the command line."""

from pathlib import Path

from autoencoders import paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.errors import UserError, suggestion
from autoencoders.pipeline import Item
from autoencoders.trained import variant
from autoencoders.trained.variant import BATCH, Trained


def load(requested: str, batch_size: int = BATCH) -> Trained:
    """Return the trained variant `<dataset>/<variant>`, on the selected device.

    Raises:
        UserError: it is not trained, and the message lists the trained variants; or it is damaged.
    """
    dataset, _, name = requested.partition("/")
    weights = sorted(Path().glob(f"{paths.model('*', '*')}/{paths.WEIGHTS}"))
    trained = [
        "/".join(path.parts[-3:-1]) for path in weights if path.parts[-2] != paths.CLASSIFIER
    ]
    if requested in trained:
        data = Prepared(paths.prepared(dataset))
        return variant.load(paths.model(dataset, name), data, exact_device(), batch_size)
    if name == paths.CLASSIFIER:
        raise UserError(
            f"found {requested!r}, which is a classifier and not an autoencoder; trained: "
            f"{', '.join(trained) or 'none yet'}"
        )
    if trained:
        advice = f"{suggestion(requested, trained)}, or train it first"
    else:
        paths.repository_root()  # outside a repository, training is no advice
        advice = f": run `dvc repro {Item('train', dataset, name).name!r}`"
    raise UserError(f"found {requested!r}, which is not trained{advice}")
