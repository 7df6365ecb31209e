"""Named generators, and noise for several processes."""

import pytest
import torch
from torch import nn

from autoencoders import randomness
from autoencoders.randomness import Noise


def test_the_same_seed_and_name_draw_the_same_numbers() -> None:
    first = torch.randn(5, generator=randomness.generator(1, "noise"))
    torch.testing.assert_close(first, torch.randn(5, generator=randomness.generator(1, "noise")))


@pytest.mark.parametrize(("seed", "name"), [(2, "noise"), (1, "order"), (11, "noise"), (1, "")])
def test_another_seed_or_name_draws_other_numbers(seed: int, name: str) -> None:
    first = torch.randn(5, generator=randomness.generator(1, "noise"))
    other = torch.randn(5, generator=randomness.generator(seed, name))
    assert not torch.isclose(first, other).any()


def test_generators_are_independent() -> None:
    noise = randomness.generator(1, "noise")
    torch.randn(100, generator=randomness.generator(1, "order"))
    drawn = torch.randn(5, generator=noise)
    torch.testing.assert_close(drawn, torch.randn(5, generator=randomness.generator(1, "noise")))


def test_seed_and_name_are_separate() -> None:
    assert randomness.derived_seed(1, "1/x") != randomness.derived_seed(11, "/x")
    assert 0 <= randomness.derived_seed(2**80, "large seeds are fine") < 2**63


def test_initial_weights_depend_on_the_seed_and_not_on_the_global_generator() -> None:
    def weights(seed: int, global_seed: int) -> torch.Tensor:
        torch.manual_seed(global_seed)
        with randomness.seeded_initialisation(seed, "model"):
            return nn.Linear(3, 4).weight.detach()

    assert torch.equal(weights(1, global_seed=0), weights(1, global_seed=5))
    assert not torch.equal(weights(1, global_seed=0), weights(2, global_seed=0))


def test_initialisation_restores_the_global_generator() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with randomness.seeded_initialisation(1, "model"):
        nn.Linear(3, 4)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("processes", [2, 4])
def test_parts_of_all_processes_equal_the_draws_for_the_batch(
    processes: int,
) -> None:
    single = randomness.noise(1, "draws")
    parts = [Noise(randomness.generator(1, "draws"), part, processes) for part in range(processes)]
    for rows, *shape in ((8, 1, 3, 3), (8, 1, 3, 3), (8, 2), (4, 150)):
        expected = single.normal((rows, *shape))
        drawn = torch.cat([part.normal((rows // processes, *shape)) for part in parts])
        assert torch.equal(drawn, expected)
