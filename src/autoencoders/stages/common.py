"""Functions shared by several stages."""

import hashlib

from autoencoders import dependencies, paths
from autoencoders.datasets.prepared import Prepared, load_metadata
from autoencoders.dependencies import Code
from autoencoders.evaluation.seed_results import Digests
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.tracking import DataUsed
from autoencoders.tracking.provenance import fingerprint


def prepared_data(item: Item) -> DataUsed:
    """Describe the prepared images of a stage's dataset."""
    data = Prepared(paths.prepared(item.dataset))
    metadata = data.metadata
    return DataUsed(
        name=data.name,
        source=metadata.source,
        sha256=metadata.sha256,
        path=data.folder.as_posix(),
        splits={
            name: (split.n_images, *metadata.image_shape) for name, split in metadata.splits.items()
        },
        test_sha256=metadata.splits["test"].images_sha256,
    )


def current_digests(params: Params, code: Code, dataset: str, variant: str) -> Digests:
    """Return the present digests of the params, data and code that affect a variant's results.

    `code` reads each file only once, so use one object for all variants.

    Raises:
        UserError: the prepared dataset is missing or damaged.
    """
    content = params.model_dump(mode="json")
    # The seed is that of the classifier, which judges the samples of all trainings.
    used = {key: content[key] for key in ("seed", "classifier", "evaluation")}
    lists = [
        dependencies.listing(stage, name, content, code)
        for stage, name in (("train", variant), ("evaluate", variant), ("classify", ""))
    ]
    return Digests(
        params=fingerprint(used | {"variant": content["variants"][variant]}),
        data=load_metadata(paths.prepared(dataset)).sha256,
        code=hashlib.sha256("".join(lists).encode()).hexdigest(),
    )
