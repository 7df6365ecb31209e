"""What is wrong with params although every value is fine by itself."""

from collections.abc import Collection

import torch

from autoencoders import paths
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.param_types import ImageShape
from autoencoders.params.error_messages import suggestion
from autoencoders.params.schema import Params, image_shapes
from autoencoders.training.settings import Variant
from autoencoders.training.tensorflow import supported
from autoencoders.variants.assembly import assemble
from autoencoders.variants.inputs import INPUTS

NO_TENSORFLOW = (
    "training.framework: found 'tensorflow', which is not installed: "
    "run make tensorflow, or pip install -e '.[tensorflow]', or choose torch"
)


def contradictions(params: Params) -> list[str]:
    """Return what is wrong although every value is fine by itself."""
    if unclear := _unclear_sizes(params):  # without them no variant can be built
        return unclear
    taken = [
        f"data.datasets.{name}: a published dataset has this name; choose another"
        for name in params.data.datasets
        if name in DATASETS
    ]
    if paths.CLASSIFIER in params.variants:
        taken.append(
            f"variants.{paths.CLASSIFIER}: each dataset's classifier has this name; choose another"
        )
    names = [
        *_wrong_names("datasets_to_run", params.datasets_to_run, image_shapes(params)),
        *_wrong_names("variants_to_run", params.variants_to_run, params.variants),
        *_wrong_names("evaluation.noise_levels", list(params.evaluation.noise_levels), INPUTS),
    ]
    impossible = [
        f"variants.{name}: {reason}"
        for name, variant in params.variants.items()
        for reason in _why_unfit(params, name, variant)
    ]
    return taken + names + impossible


def _why_unfit(params: Params, name: str, variant: Variant) -> list[str]:
    """Return why a variant that is to run fails on a dataset to run, or another on all datasets.

    A variant that only suits other datasets than those to run is thus no mistake.
    """
    known = image_shapes(params)
    to_run = sorted({known[dataset] for dataset in params.datasets_to_run if dataset in known})
    if name in params.variants_to_run:
        if variant.training.framework == "tensorflow" and not supported.installed():
            return [NO_TENSORFLOW]
        found = (why_impossible(variant, shape) for shape in to_run)
        return list(dict.fromkeys(reason for reason in found if reason))
    # Almost always the first one will do, so that the rest is not built.
    first: list[str] = []
    for shape in dict.fromkeys((*to_run, *known.values())):
        reason = why_impossible(variant, shape)
        if reason is None:
            return []
        first = first or [reason]
    return first


def _unclear_sizes(params: Params) -> list[str]:
    """Return which folders of images are not made one size in one way."""
    mistakes = []
    for name, folder in params.data.datasets.items():
        key = f"data.datasets.{name}"
        if folder.size is None and folder.patches is None:
            mistakes.append(
                f"{key}.size: missing; required is this, or patches of images as they are"
            )
        elif folder.size and folder.patches:
            mistakes.append(
                f"{key}: found size and patches; allowed: one of them, patches.size is a size"
            )
        elif folder.patches and folder.misfits == "resize":
            mistakes.append(
                f"{key}.misfits: found 'resize'; allowed with patches, which are cut from images "
                "as they are: refuse, skip"
            )
    return mistakes


def _wrong_names(key: str, names: list[str], allowed: Collection[str]) -> list[str]:
    unknown = [
        f"{key}: found {name!r}{suggestion(name, allowed)}" for name in names if name not in allowed
    ]
    twice = [f"{key}: found {name!r} twice" for name in sorted(set(names)) if names.count(name) > 1]
    return unknown + twice


def why_impossible(variant: Variant, image_shape: ImageShape) -> str | None:
    """Return why `variant` cannot train on images of this `(C, H, W)`, or None where it can."""
    try:
        with torch.device("meta"):
            steps = assemble(variant, image_shape).objective.steps
    except ValueError as error:
        return str(error)
    if sorted(steps) != sorted(variant.training.optimizers):
        found = ", ".join(variant.training.optimizers)
        return f"training.optimizers: found {found}; this objective needs {', '.join(steps)}"
    if variant.training.framework == "tensorflow":
        return supported.why_unsupported(variant)
    return None
