"""Random generators by purpose: a new purpose does not change the numbers of another."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


def derived_seed(seed: int, name: str) -> int:
    """Return a 63-bit seed that depends only on `seed` and `name`."""
    content = f"{seed}/{name}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") >> 1


def generator(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a new generator on `device` for the purpose `name`."""
    return torch.Generator(device).manual_seed(derived_seed(seed, name))


class Noise:
    """Random numbers from `generator`, for a batch or for the part of one process.

    Each of `parts` processes draws for the whole batch and keeps its own rows. The numbers of an
    image then do not depend on the number of processes. A `shape` is `(N, …)`, of one part.
    """

    def __init__(self, generator: torch.Generator, part: int = 0, parts: int = 1) -> None:
        self.generator = generator
        self.part = part
        self.parts = parts

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Return standard normal numbers, float32, on the generator's device."""
        return self._draw(torch.randn, shape)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Return numbers uniform in [0, 1), float32, on the generator's device."""
        return self._draw(torch.rand, shape)

    def _draw(self, distribution: Callable[..., Tensor], shape: Sequence[int]) -> Tensor:
        rows = shape[0]
        batch = distribution(
            (rows * self.parts, *shape[1:]),
            generator=self.generator,
            device=self.generator.device,
        )
        return batch[rows * self.part : rows * (self.part + 1)]


def noise(seed: int, name: str, device: torch.device | str = "cpu") -> Noise:
    """Return a new source of noise on `device` for the purpose `name`."""
    return Noise(generator(seed, name, device))


@contextmanager
def seeded_initialisation(seed: int, name: str) -> Iterator[None]:
    """Seed the global generator, which initialises weights in `torch.nn`; restore it at the end."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, name))
        yield
