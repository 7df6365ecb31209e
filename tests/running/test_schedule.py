"""Which stage starts when."""

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


def test_stages_start_when_all_that_they_wait_for_is_done() -> None:
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


def test_what_is_not_to_be_run_is_not_waited_for() -> None:
    to_run = GRAPH.subgraph(["report", "evaluate@conv"])
    assert Schedule(to_run, {}, cores=1).start() == ["evaluate@conv"]


def test_no_more_cores_are_used_than_there_are() -> None:
    schedule = Schedule(graph({name: [] for name in "abcd"}), {"b": 2}, cores=3)
    assert schedule.start() == ["b", "a"]
    schedule.end("a", succeeded=True)
    assert schedule.start() == ["c"]


def test_a_wide_stage_starts_first_and_is_waited_for() -> None:
    schedule = Schedule(graph({name: [] for name in "abc"}), {"c": 2}, cores=2)
    assert schedule.start() == ["c"]
    stages = graph({"a": [], "b": [], "c": ["a"], "d": []})
    schedule = Schedule(stages, {"c": 2}, cores=2)
    assert schedule.start() == ["a", "b"]
    schedule.end("a", succeeded=True)
    assert schedule.start() == []  # `d` would fit, and with more like it hold `c` off for ever
    schedule.end("b", succeeded=True)
    assert schedule.start() == ["c"]


def test_a_stage_that_wants_more_cores_than_there_are_gets_all() -> None:
    stages = graph({"train@aae": []})
    assert Schedule(stages, {"train@aae": 4}, cores=1).start() == ["train@aae"]


def test_a_failure_stops_what_waits_for_it_and_nothing_else() -> None:
    schedule = Schedule(GRAPH, {}, cores=2)
    schedule.start()
    schedule.end("prepare", succeeded=True)
    schedule.start()
    schedule.end("train@conv", succeeded=False)
    schedule.end("train@aae", succeeded=True)
    assert schedule.start() == []
    assert schedule.failed == ["train@conv"]
    assert schedule.waiting == ["evaluate@conv", "report"]


def test_the_time_left_is_what_the_stages_cost_by_the_table() -> None:
    schedule = Schedule(graph({"prepare@a": [], "train@a-b": [], "train@a-c": []}), {}, cores=2)
    schedule.start()
    schedule.end("prepare@a", succeeded=True)
    assert schedule.progress(30) == "1 of 3 stages"  # too little has been done
    schedule.start()
    schedule.end("train@a-b", succeeded=True)
    assert schedule.progress(210) == "2 of 3 stages, about 3 min left"
    schedule.end("train@a-c", succeeded=True)
    assert schedule.progress(400) == "3 of 3 stages"


def test_people_s_own_stages_cost_one() -> None:
    schedule = Schedule(graph({"prepare@a": [], "people's own": []}), {}, cores=1)
    schedule.start()
    schedule.end("prepare@a", succeeded=True)
    assert schedule.progress(30) == "1 of 2 stages, about 30 s left"


@pytest.mark.parametrize(("seconds", "words"), [(3.2, "3 s"), (99, "99 s"), (250, "4 min")])
def test_times_are_as_exact_as_they_are_useful(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
