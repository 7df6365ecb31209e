"""Randomness by name, so that adding one consumer never changes another's numbers."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


def derived_seed(seed: int, name: str) -> int:
    """Return a 63-bit seed that depends on `seed` and `name` alone."""
    content = f"{seed}/{name}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") >> 1


def generator(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator on `device` for the purpose called `name`."""
    return torch.Generator(device).manual_seed(derived_seed(seed, name))


class Noise:
    """Draws from `generator`, for a batch or for one process's part of it.

    Each of `parts` processes draws for the whole batch and keeps its own rows, so that an image's
    draws do not depend on how many processes there are.
    """

    def __init__(self, generator: torch.Generator, part: int = 0, parts: int = 1) -> None:
        self.generator = generator
        self.part = part
        self.parts = parts

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Return `shape` standard normal draws, float32, on the generator's device."""
        return self._own(torch.randn, shape)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Return `shape` draws that are uniform in [0, 1), float32, on the generator's device."""
        return self._own(torch.rand, shape)

    def _own(self, draw: Callable[..., Tensor], shape: Sequence[int]) -> Tensor:
        rows = shape[0]
        whole = draw(
            (rows * self.parts, *shape[1:]),
            generator=self.generator,
            device=self.generator.device,
        )
        return whole[rows * self.part : rows * (self.part + 1)]


def noise(seed: int, name: str, device: torch.device | str = "cpu") -> Noise:
    """Return a fresh source of noise on `device` for the purpose called `name`."""
    return Noise(generator(seed, name, device))


@contextmanager
def seeded_initialisation(seed: int, name: str) -> Iterator[None]:
    """Seed the global generator that `torch.nn` initialises weights from; put it back after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, name))
        yield
