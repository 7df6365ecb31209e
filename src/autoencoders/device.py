"""Which device computes: the machine's affair, so an environment variable and no param."""

import os

import torch

from autoencoders.errors import UserError


def device() -> torch.device:
    """Return the device of `AUTOENCODERS_DEVICE`; without it CUDA where there is one, else the CPU.

    Raises:
        UserError: the variable names no device of this machine.
    """
    default = "cuda" if torch.cuda.is_available() else "cpu"
    name = os.environ.get("AUTOENCODERS_DEVICE") or default
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):
        raise UserError(
            f"AUTOENCODERS_DEVICE: found {name!r}, which this machine lacks; allowed: cpu, or "
            "cuda, cuda:0, … where there is a GPU; unset it to choose by itself"
        ) from None
