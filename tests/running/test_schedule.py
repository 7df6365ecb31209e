"""The order in which stages start."""

from collections.abc import Iterable

import networkx as nx
import pytest

from autoencoders.running.schedule import Schedule, format_duration


def graph(upstream: dict[str, Iterable[str]]) -> "nx.DiGraph[str]":
    return nx.DiGraph(upstream)


GRAPH = graph(
    {
        "prepare": [],
        "train@conv": ["prepare"],
        "train@aae": ["prepare"],
        "evaluate@conv": ["prepare", "train@conv"],
        "report": ["evaluate@conv", "train@aae"],
    }
)


def test_stages_start_after_their_dependencies() -> None:
    schedule = Schedule(GRAPH, {}, cores=2)
    assert schedule.start() == ["prepare"]
    assert schedule.start() == []  # each once
    schedule.end("prepare", succeeded=True)
    assert schedule.start() == ["train@conv", "train@aae"]
    schedule.end("train@conv", succeeded=True)
    assert schedule.start() == ["evaluate@conv"]
    schedule.end("evaluate@conv", succeeded=True)
    assert schedule.start() == []
    schedule.end("train@aae", succeeded=True)
    assert schedule.start() == ["report"]


def test_dependencies_that_are_up_to_date_are_ignored() -> None:
    to_run = GRAPH.subgraph(["report", "evaluate@conv"])
    assert Schedule(to_run, {}, cores=1).start() == ["evaluate@conv"]


def test_no_more_cores_are_used_than_there_are() -> None:
    schedule = Schedule(graph({name: [] for name in "abcd"}), {"b": 2}, cores=3)
    assert schedule.start() == ["b", "a"]
    schedule.end("a", succeeded=True)
    assert schedule.start() == ["c"]


def test_a_stage_with_many_cores_starts_first_and_holds_back_the_others() -> None:
    schedule = Schedule(graph({name: [] for name in "abc"}), {"c": 2}, cores=2)
    assert schedule.start() == ["c"]
    stages = graph({"a": [], "b": [], "c": ["a"], "d": []})
    schedule = Schedule(stages, {"c": 2}, cores=2)
    assert schedule.start() == ["a", "b"]
    schedule.end("a", succeeded=True)
    assert schedule.start() == []  # `d` would fit, but such stages could delay `c` for ever
    schedule.end("b", succeeded=True)
    assert schedule.start() == ["c"]


def test_a_stage_that_needs_too_many_cores_gets_all() -> None:
    stages = graph({"train@aae": []})
    assert Schedule(stages, {"train@aae": 4}, cores=1).start() == ["train@aae"]


def test_a_failure_stops_only_the_stages_that_depend_on_it() -> None:
    schedule = Schedule(GRAPH, {}, cores=2)
    schedule.start()
    schedule.end("prepare", succeeded=True)
    schedule.start()
    schedule.end("train@conv", succeeded=False)
    schedule.end("train@aae", succeeded=True)
    assert schedule.start() == []
    assert schedule.failed == ["train@conv"]
    assert schedule.waiting == ["evaluate@conv", "report"]


def test_the_time_left_follows_from_the_costs_of_the_stages() -> None:
    schedule = Schedule(graph({"prepare@a": [], "train@a-b": [], "train@a-c": []}), {}, cores=2)
    schedule.start()
    schedule.end("prepare@a", succeeded=True)
    assert schedule.progress(30) == "1 of 3 stages"  # too early for an estimate
    schedule.start()
    schedule.end("train@a-b", succeeded=True)
    assert schedule.progress(210) == "2 of 3 stages, about 3 min left"
    schedule.end("train@a-c", succeeded=True)
    assert schedule.progress(400) == "3 of 3 stages"


def test_a_users_own_stage_costs_one() -> None:
    schedule = Schedule(graph({"prepare@a": [], "own": []}), {}, cores=1)
    schedule.start()
    schedule.end("prepare@a", succeeded=True)
    assert schedule.progress(30) == "1 of 2 stages, about 30 s left"


@pytest.mark.parametrize(("seconds", "words"), [(3.2, "3 s"), (99, "99 s"), (250, "4 min")])
def test_durations_are_seconds_or_minutes(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
