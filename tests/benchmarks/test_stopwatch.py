"""The stopwatch of the benchmark."""

import pytest
import torch
from torch import nn

from benchmarks import stopwatch


class Clock:
    """A clock that only `sleep` moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self) -> None:
        self.now += 1


CLOCK = Clock()
sleep = CLOCK.sleep


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> stopwatch.Stopwatch:
    monkeypatch.setattr("benchmarks.stopwatch.perf_counter", CLOCK)
    return stopwatch.Stopwatch(torch.device("cpu"))


def test_shares_cover_all_phases_and_sum_to_one(watch: stopwatch.Stopwatch) -> None:
    with watch:
        sleep()
        watch.timed("data", sleep)()
        watch.timed("forward", lambda: sum(range(9)))()
        watch.timed("data", sleep)()
        sleep()
    assert tuple(watch.shares) == stopwatch.PHASES
    assert sum(watch.shares.values()) == pytest.approx(1)
    assert watch.total == 4
    assert watch.shares["data"] == watch.shares["other"] == 0.5


def test_an_inner_phase_does_not_count_for_the_outer_one(watch: stopwatch.Stopwatch) -> None:
    with watch:
        watch.timed("forward", lambda: watch.timed("other", sleep)())()
    assert watch.shares["other"] == 1


def test_only_the_time_until_an_item_is_counted(watch: stopwatch.Stopwatch) -> None:
    def slow(count: int) -> list[int]:
        sleep()
        return list(range(count))

    with watch:
        items = []
        for item in watch.iterated("data", slow)(2):
            items.append(item)
            sleep()
    assert items == [0, 1]
    assert watch.seconds["data"] == 1
    assert watch.seconds["other"] == 2


class SlowBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
        sleep()
        return gradient


class SlowOptimizer(torch.optim.SGD):
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        sleep()


def test_backward_passes_and_optimiser_steps_are_timed_automatically(
    watch: stopwatch.Stopwatch,
) -> None:
    parameter = nn.Parameter(torch.ones(1))
    optimizer = SlowOptimizer([parameter])
    with watch:
        loss = watch.timed("forward", SlowBackward.apply)(parameter)
        loss.backward()
        optimizer.step()
    assert watch.seconds["backward"] == 1
    assert watch.seconds["optimizer"] == 1
    assert watch.total == 2


def test_nothing_is_timed_afterwards(watch: stopwatch.Stopwatch) -> None:
    backward = torch.autograd.backward
    with watch:
        pass
    parameter = nn.Parameter(torch.ones(1))
    SlowBackward.apply(parameter).backward()
    SlowOptimizer([parameter]).step()
    assert watch.total == 0
    assert torch.autograd.backward is backward
