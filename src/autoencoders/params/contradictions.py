"""Contradictions between values of params.yaml that are valid alone."""

from collections.abc import Collection
from pathlib import Path

import torch

from autoencoders import paths
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.errors import suggestion
from autoencoders.param_types import ImageShape
from autoencoders.params.schema import IGNORED_BY_DVC, Binarized, Params, image_shapes
from autoencoders.training.settings import Variant
from autoencoders.training.tensorflow import supported
from autoencoders.variants.assembly import assemble
from autoencoders.variants.inputs import INPUTS

NO_TENSORFLOW = (
    "training.framework: found 'tensorflow', which is not installed; "
    "run `make tensorflow` or `pip install -e '.[tensorflow]'`, or choose torch"
)


def contradictions(params: Params) -> list[str]:
    """Return the contradictions between the values, each as `dotted.key: problem`."""
    if mistakes := _size_mistakes(params):  # without image sizes, variants cannot be checked
        return mistakes
    taken = [
        f"data.datasets.{name}: a published dataset has this name; choose another name"
        for name in params.data.datasets
        if name in DATASETS
    ]
    taken += [
        f"data.datasets.{name}: DVC does not notice changes of a key with this name; choose another"
        for name in sorted(IGNORED_BY_DVC.intersection(params.data.datasets))
    ]
    if paths.CLASSIFIER in params.variants:
        taken.append(f"variants.{paths.CLASSIFIER}: reserved for classifiers; choose another name")
    names = [
        *_name_mistakes("datasets_to_run", params.datasets_to_run, image_shapes(params)),
        *_name_mistakes("variants_to_run", params.variants_to_run, params.variants),
        *_name_mistakes("evaluation.noise_levels", list(params.evaluation.noise_levels), INPUTS),
    ]
    impossible = [
        f"variants.{name}: {reason}"
        for name, variant in params.variants.items()
        for reason in _why_untrainable(params, name, variant)
    ]
    return taken + names + impossible


def _why_untrainable(params: Params, name: str, variant: Variant) -> list[str]:
    """Return why a variant cannot train; an empty list if it can.

    A variant in `variants_to_run` must fit all datasets to run. Another variant must fit at least
    one known dataset.
    """
    shapes = image_shapes(params)
    to_run = sorted({shapes[dataset] for dataset in params.datasets_to_run if dataset in shapes})
    start = Path(variant.training.initial_weights or "")
    if any(part.match(paths.model("*", name).as_posix()) for part in (start, *start.parents)):
        return [
            f"training.initial_weights: found {start.as_posix()!r}, which DVC deletes before it "
            "trains this variant; allowed: a copy in another folder, or models:/NAME/VERSION"
        ]
    if name in params.variants_to_run:
        if variant.training.framework == "tensorflow" and not supported.installed():
            return [NO_TENSORFLOW]
        reasons = (why_impossible(variant, shape) for shape in to_run)
        return list(dict.fromkeys(reason for reason in reasons if reason))
    # Building a network takes time, so stop at the first shape that fits.
    first_reason: list[str] = []
    for shape in dict.fromkeys((*to_run, *shapes.values())):
        reason = why_impossible(variant, shape)
        if reason is None:
            return []
        first_reason = first_reason or [reason]
    return first_reason


def _size_mistakes(params: Params) -> list[str]:
    """Return the mistakes in the size, the patches or the origin of the user's datasets."""
    mistakes = []
    for name, folder in params.data.datasets.items():
        key = f"data.datasets.{name}"
        if isinstance(folder, Binarized):
            if folder.of not in DATASETS:
                mistakes.append(f"{key}.of: found {folder.of!r}{suggestion(folder.of, DATASETS)}")
        elif folder.side is None and folder.patches is None:
            mistakes.append(
                f"{key}.side: missing; add it, or patches to cut from images of any size"
            )
        elif folder.side and folder.patches:
            mistakes.append(
                f"{key}: found side and patches; allowed: one of them; patches have their own side"
            )
        elif folder.patches and folder.misfits == "resize":
            mistakes.append(
                f"{key}.misfits: found 'resize'; allowed with patches: refuse, skip; patches are "
                "cut from images of any size"
            )
    return mistakes


def _name_mistakes(key: str, names: list[str], allowed: Collection[str]) -> list[str]:
    unknown = [
        f"{key}: found {name!r}{suggestion(name, allowed)}" for name in names if name not in allowed
    ]
    repeated = [name for name in sorted(set(names)) if names.count(name) > 1]
    return unknown + [f"{key}: found {name!r} twice; list it once" for name in repeated]


def why_impossible(variant: Variant, image_shape: ImageShape) -> str | None:
    """Return why `variant` cannot train on images of shape `(C, H, W)`; None if it can."""
    try:
        with torch.device("meta"):
            steps = assemble(variant, image_shape).objective.steps
    except ValueError as error:
        return str(error)
    if sorted(steps) != sorted(variant.training.optimizers):
        found = ", ".join(variant.training.optimizers)
        return f"training.optimizers: found {found}; allowed: exactly {', '.join(steps)}"
    if variant.training.framework == "tensorflow":
        return supported.why_unsupported(variant)
    return None
