"""The whole of params.yaml as one type; what others use of it is defined where it is used."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import Field

from autoencoders.components import Strict
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.evaluation.settings import Evaluation
from autoencoders.figures.settings import Figures
from autoencoders.param_types import ImageShape, Misfits, ProperFraction
from autoencoders.training.settings import Classifier, Variant

Text = Annotated[str, MinLen(1)]
Names = Annotated[list[str], MinLen(1)]
# Fit for a path and a stage; two of them and more must fit into the name of one file.
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=80)]
MAX_STAND_INS = 1_000_000  # drawn in memory
MAX_SIZE = 4096  # pixels, height and width


class StandIn(Strict):
    """How many images the generated data sets hold."""

    train_images: Annotated[int, Ge(100), Le(MAX_STAND_INS)]
    test_images: Annotated[int, Ge(10), Le(MAX_STAND_INS)]


class Patches(Strict):
    """How images of any size are cut into squares; see `cutting.ImageExtractor`."""

    size: Annotated[int, Gt(0), Le(MAX_SIZE)]
    per_image: Annotated[int, Gt(0)]
    turned: bool = False


class ImageFolder(Strict):
    """People's own images as a dataset, with 1 or 3 channels.

    Either each is made `size`×`size` pixels large, or `patches` are cut from it. `test_fraction`
    is null where the folder has `train/` and `test/`; the title is by default the dataset's name.
    What becomes of `misfits`, files that cannot be read or are of another size, stands at
    `cutting.ImageExtractor`.
    """

    folder: Text
    size: Annotated[int, Gt(0), Le(MAX_SIZE)] | None = None
    patches: Patches | None = None
    channels: Literal[1, 3]
    test_fraction: ProperFraction | None = None
    misfits: Misfits = "refuse"
    title: Text | None = None

    @property
    def shape(self) -> ImageShape:
        """Return the `(C, H, W)` of the images that are trained on."""
        size = self.patches.size if self.patches else self.size
        assert size is not None
        return self.channels, size, size


class Data(Strict):
    """Where the images come from, and what share of the training images trains.

    `seed` is of the split, the stand-ins and the patches, whatever is trained on them. `datasets`
    are people's own; the published ones have names already.
    """

    seed: Annotated[int, Ge(0)]
    source: Literal["official", "stand-in", "auto"]
    train_fraction: ProperFraction
    stand_in: StandIn
    datasets: dict[Name, ImageFolder]


class Params(Strict):
    """The whole of params.yaml."""

    seed: Annotated[int, Ge(0)]
    experiment: Text
    datasets_to_run: Names
    variants_to_run: Names
    data: Data
    variants: dict[Name, Variant]
    classifier: Classifier
    evaluation: Evaluation
    figures: Figures


def image_shapes(params: Params) -> dict[str, ImageShape]:
    """Return the `(C, H, W)` of every known dataset by name, published and people's own."""
    published = {name: dataset.shape for name, dataset in DATASETS.items()}
    own = {name: dataset.shape for name, dataset in params.data.datasets.items()}
    return published | own
