"""Random generators by name, so that adding one consumer never changes another's numbers."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derived_seed(seed: int, name: str) -> int:
    """Return a 63-bit seed that depends on `seed` and `name` alone."""
    content = f"{seed}/{name}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") >> 1


def generator(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator on `device` for the purpose called `name`."""
    return torch.Generator(device).manual_seed(derived_seed(seed, name))


@contextmanager
def seeded_initialisation(seed: int, name: str) -> Iterator[None]:
    """Seed the global generator that `torch.nn` initialises weights from; put it back after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, name))
        yield
