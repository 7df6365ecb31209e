"""The project's trainer on one variant, for all parts of the benchmark."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autoencoders import params, paths, yaml12
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import device
from autoencoders.params import Params
from autoencoders.trained.variant import Description, build
from autoencoders.training import parallel
from autoencoders.training.history import SILENT, Progress, Row
from autoencoders.training.loop import fit
from autoencoders.training.settings import Training, Variant
from autoencoders.training.train import load_framework
from autoencoders.variants.assembly import Assembled
from benchmarks.settings import DATASET, QUICK


class FewImages(Prepared):
    """The first images of each split of the dataset."""

    def __init__(self, count: int) -> None:
        super().__init__(paths.prepared(DATASET))
        self.count = count

    def images(self, split: str) -> Tensor:
        """Return the first images of a split, `(N, C, H, W)`, uint8."""
        return prepared(split, self.count)


@dataclass(frozen=True)
class Trainer:
    """A built variant that is ready to train."""

    assembled: Assembled
    description: Description
    training: Training
    name: str
    seed: int

    def train(
        self, train_images: Tensor, validation_images: Tensor, progress: Progress = SILENT
    ) -> list[Row]:
        """Train on images `(N, C, H, W)`, uint8, in the variant's framework; return the history."""
        learning, _ = load_framework(self.training.framework, self.training.threads)
        learner = learning(
            self.assembled, self.training, self.seed, self.name, device(), parallel.SINGLE_PROCESS
        )
        return fit(learner, train_images, validation_images, progress)


def tutorial(name: str, epochs: int) -> Trainer:
    """Return a variant with the reference's batch size, optimisers and rates, in our precision."""
    variant = example(f"{name}_tutorial")
    return _with(params.load(), name, variant, epochs=epochs, precision="auto")


def quick(name: str) -> Trainer:
    """Return a variant with the settings that reach the reference's quality fastest.

    Its networks are those of the tutorial, as in the reference.
    """
    loaded = params.load()
    changed = loaded.variants[name].training.model_dump() | QUICK[name]
    return _with(loaded, name, example(f"{name}_tutorial"), **changed)


def default(name: str, epochs: int) -> Trainer:
    """Return a variant of params.yaml, else of examples/variants, with this number of epochs."""
    loaded = params.load()
    return _with(loaded, name, loaded.variants.get(name) or example(name), epochs=epochs)


def example(name: str) -> Variant:
    """Return a variant of examples/variants."""
    return Variant.model_validate(yaml12.read(paths.EXAMPLES / f"{name}.yaml")[name])


def prepared(split: str, count: int) -> Tensor:
    """Return the first images of a split, `(N, C, H, W)`, uint8, as the pipeline's stages do."""
    return Prepared(paths.prepared(DATASET)).images(split)[:count]


def _with(loaded: Params, name: str, variant: Variant, **training: Any) -> Trainer:
    """Return a built variant with some of its training settings replaced."""
    full_name = f"{DATASET}/{name}"
    changed = Training.model_validate(variant.training.model_dump() | training)
    of_data = ("official", "", DATASETS[DATASET].shape)
    trained_so = variant.model_copy(update={"training": changed})
    description = Description(DATASET, name, loaded.seed, *of_data, trained_so)
    return Trainer(build(description), description, changed, full_name, loaded.seed)
