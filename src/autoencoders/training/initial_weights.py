"""Initial weights from a file: a training continues from another one, on other images."""

from collections.abc import Iterable

from safetensors.torch import load as from_bytes
from torch import nn

from autoencoders.errors import UserError
from autoencoders.files import describe_error

SHOWN = 3  # layers of each kind in an error message


def load_weights(networks: nn.Module, content: bytes) -> None:
    """Copy the weights of a file, in the format safetensors, into networks of the same layers.

    Weights of another precision, such as 16-bit floats, are converted.

    Raises:
        UserError: the content is damaged, or layers are missing, unexpected or of another shape.
    """
    try:
        found = from_bytes(content)
        if not all(weight.isfinite().all() for weight in found.values()):
            raise ValueError("some weights are not finite numbers")
    except Exception as error:  # for damaged content, safetensors raises many types
        raise UserError(
            f"training.initial_weights: found a damaged file ({describe_error(error)}); allowed: "
            "weights in the format safetensors"
        ) from error
    expected = networks.state_dict()
    shapes = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(weight.shape)}"
        for name, weight in expected.items()
        if name in found and found[name].shape != weight.shape
    ]
    differences = {
        "missing": [name for name in expected if name not in found],
        "unexpected": sorted(found.keys() - expected.keys()),
        "of another shape": shapes,
    }
    if different := [f"{what}: {_some(names)}" for what, names in differences.items() if names]:
        raise UserError(
            f"training.initial_weights: found other layers ({'; '.join(different)}); allowed: "
            "weights of the same model and objective"
        )
    networks.load_state_dict(found)


def _some(names: Iterable[str]) -> str:
    """Return the first names, and the number of the others."""
    first, others = [*names][:SHOWN], len([*names][SHOWN:])
    return ", ".join(first) + (f" and {others} more" if others else "")
