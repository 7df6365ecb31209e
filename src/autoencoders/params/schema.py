"""The schema of params.yaml; the types of its parts are defined in the packages that use them."""

from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import Discriminator, Field, Tag

from autoencoders.components import Alternatives, Strict
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.evaluation.settings import Evaluation
from autoencoders.figures.settings import Figures
from autoencoders.param_types import Binarize, ImageShape, Misfits, ProperFraction, Text
from autoencoders.training.settings import Classifier, Variant

Names = Annotated[list[str], MinLen(1)]
# Names become parts of paths and DVC stages. Two names and a suffix must fit into one file name.
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=80)]
# DVC's cache of runs ignores keys with these names, at any depth. If only the value of such a key
# changes, DVC restores the old outputs (treeverse/dvc, issue 10296).
IGNORED_BY_DVC = {"nfiles", "size"}
MAX_STAND_INS = 1_000_000  # all stand-in images are in memory at once
MAX_SIDE = 4096  # height and width in pixels


class StandIn(Strict):
    """The number of images in the generated stand-in datasets."""

    train_images: Annotated[int, Ge(100), Le(MAX_STAND_INS)]
    test_images: Annotated[int, Ge(10), Le(MAX_STAND_INS)]


class Patches(Strict):
    """How to cut squares from images of any size; see `image_files.ImageExtractor`."""

    side: Annotated[int, Gt(0), Le(MAX_SIDE)]
    per_image: Annotated[int, Gt(0)]
    turned: bool = False


class ImageFolder(Strict):
    """A dataset from a folder of the user's images.

    Either all images have `side`×`side` pixels, or `patches` are cut from them. `test_fraction` is
    null if the folder contains `train/` and `test/`. The default title is the dataset's name.
    `misfits` are unreadable files and files of another size; see `image_files.ImageExtractor`.
    """

    folder: Text
    side: Annotated[int, Gt(0), Le(MAX_SIDE)] | None = None
    patches: Patches | None = None
    channels: Literal[1, 3]
    test_fraction: ProperFraction | None = None
    misfits: Misfits = "refuse"
    title: Text | None = None

    @property
    def shape(self) -> ImageShape:
        """Return the shape `(C, H, W)` of a training image."""
        side = self.patches.side if self.patches else self.side
        assert side is not None
        return self.channels, side, side


class Binarized(Strict):
    """A dataset of binary images, drawn from the published dataset `of`; see `binarization`."""

    of: Text
    binarize: Binarize
    title: Text | None = None

    @property
    def shape(self) -> ImageShape:
        """Return the shape `(C, H, W)` of an image."""
        return DATASETS[self.of].shape


def _type_of_dataset(value: Any) -> str:
    written = isinstance(value, dict) and not {"of", "binarize"}.isdisjoint(value)
    return "binarized" if written or isinstance(value, Binarized) else "image_folder"


OwnDataset: TypeAlias = Annotated[
    Annotated[ImageFolder, Tag("image_folder")] | Annotated[Binarized, Tag("binarized")],
    Discriminator(_type_of_dataset),
    Alternatives({"image_folder": ImageFolder, "binarized": Binarized}),
]


class Data(Strict):
    """The source of the images and their split into training and validation set.

    `seed` decides the split, the stand-ins and the patches, independently of the training's seed.
    `datasets` are the user's own; published datasets are listed in `datasets/catalogue.py`.
    """

    seed: Annotated[int, Ge(0)]
    source: Literal["official", "stand-in", "auto"]
    train_fraction: ProperFraction
    stand_in: StandIn
    datasets: dict[Name, OwnDataset]


class Params(Strict):
    """The content of params.yaml."""

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
    """Return the image shape `(C, H, W)` of each dataset by name, published or the user's own."""
    published = {name: dataset.shape for name, dataset in DATASETS.items()}
    own = {name: dataset.shape for name, dataset in params.data.datasets.items()}
    return published | own
