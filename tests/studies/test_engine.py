"""Studies in this process: on this machine, and on a cluster of two nodes."""

import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast

import psutil
import pytest
import torch
from torch import Tensor

from autoencoders import paths, yaml12
from autoencoders.datasets.prepared import Metadata, SplitInfo
from autoencoders.errors import UserError
from autoencoders.studies.study import Choice, Grid, Listener, Machines, Outcome, Study, Values
from autoencoders.studies.trial import ITEM, SEED, SharedDataset, Task
from autoencoders.training.history import Row
from benchmarks import small
from tests.saved import PARAMS

pytest.importorskip("ray", reason="the extra `scale` is not installed")
import ray
from moto.server import ThreadedMotoServer
from pyarrow.fs import FileSystem
from ray import tune
from ray._common.usage.usage_lib import usage_stats_enabled
from ray.cluster_utils import Cluster

from autoencoders.studies import engine

pytestmark = [pytest.mark.service, pytest.mark.slow]

EPOCHS = 6
STUDY = Study("study", "1" * 64, {SEED: Grid([1, 2])})
HERE = Machines(address=None, jobs=2, gpus=0, storage=None)
# Processor time, because other tests run at the same time.
START_SECONDS = 10
END_SECONDS = 10


class Record:
    """A listener that counts epochs and ends of trials, and does something after an epoch."""

    def __init__(self, then: Callable[[Row], object] = lambda row: None) -> None:
        self.epochs = Counter[tuple[str, int]]()
        self.ends = Counter[str]()
        self.then = then

    def epoch(self, trial: str, values: Values, row: Row) -> None:
        self.epochs[trial, int(row["epoch"])] += 1
        self.then(row)

    def end(self, trial: str, outcome: Outcome) -> None:
        self.ends[trial] += 1

    def assert_once(self, trials: int) -> None:
        """Assert that each epoch and each end of each trial was passed on once."""
        assert {*self.epochs.values()} == {*self.ends.values()} == {1}
        assert len(self.ends) == trials
        assert len(self.epochs) == trials * EPOCHS


class Reports(list[tuple[str, int]]):
    """The trial, and the number of epochs that it had, at each report of a worker."""

    def of(self, trial: str) -> list[int]:
        return [epochs for number, epochs in self if number == trial and epochs]


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    found, forward = Reports(), engine._Forward.on_trial_result

    def record(self: Any, **info: Any) -> None:
        found.append(
            (
                engine._number(self.study, info["trial"].experiment_tag),
                len(info["result"]["history"]),
            )
        )
        forward(self, **info)

    monkeypatch.setattr(engine._Forward, "on_trial_result", record)
    return found


@pytest.fixture(autouse=True)
def in_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    file = tmp_path_factory.mktemp("params") / "params.yaml"
    file.write_bytes(PARAMS.read_bytes())
    small.write(file, ["mnist"], ["vae"], EPOCHS)
    return Task(yaml12.read(file), {ITEM: "mnist/vae"}, split=None)


@pytest.fixture(scope="module")
def datasets(blobs: Callable[..., Tensor]) -> dict[str, SharedDataset]:
    sizes = {"train": 192, "validation": 64, "test": 64}
    splits = {
        name: (blobs(n, seed=n).numpy(), torch.zeros(n, dtype=torch.uint8).numpy())
        for name, n in sizes.items()
    }
    infos = {name: SplitInfo(n, (n,), "0" * 64, "0" * 64) for name, n in sizes.items()}
    metadata = Metadata("mnist", "MNIST", "stand-in", ("blob",), (1, 8, 8), infos, "0" * 64)
    return {"mnist": SharedDataset(metadata, splits, None, None)}


def bits(outcomes: list[Outcome]) -> list[Outcome]:
    """Return outcomes without their durations, in the order of the seeds."""
    same = [replace(outcome, seconds=0.0) for outcome in outcomes]
    return sorted(same, key=lambda outcome: str(sorted(outcome.values.items())))


def workers(parent: psutil.Process) -> list[psutil.Process]:
    """Return the processes of trials below a process."""
    names = ((child, child.name()) for child in parent.children(recursive=True))
    return [child for child, name in names if name.startswith("ray::Implicit")]


# --- on this machine


@pytest.fixture(scope="module")
def undisturbed(
    task: Task, datasets: dict[str, SharedDataset], tmp_path_factory: pytest.TempPathFactory
) -> list[Outcome]:
    """Return the outcomes of a study with two seeds and an impossible value for each."""
    os.chdir(tmp_path_factory.mktemp("undisturbed"))
    os.environ["AUTOENCODERS_DEVICE"] = "cpu"
    study = replace(STUDY, space={**STUDY.space, "training.epochs": Grid([EPOCHS, 0])})
    record = Record()
    with engine.run(study, task, datasets, HERE, record) as outcomes:
        assert paths.STUDIES.joinpath(study.name).is_dir()
    assert not paths.STUDIES.joinpath(study.name).exists()
    assert len(outcomes) == len(record.ends) == 4
    return outcomes


def expected(undisturbed: list[Outcome]) -> list[Outcome]:
    """Return the outcomes of the possible values, as those of `STUDY`."""
    possible = [outcome for outcome in undisturbed if not outcome.error]
    return bits([replace(outcome, values={SEED: outcome.values[SEED]}) for outcome in possible])


def test_an_impossible_value_is_a_failed_trial_and_the_study_goes_on(
    undisturbed: list[Outcome],
) -> None:
    failed = [outcome for outcome in undisturbed if outcome.values["training.epochs"] == 0]
    assert [outcome.values[SEED] for outcome in failed] == [1, 2]
    for outcome in failed:
        assert "training.epochs: found 0" in outcome.error
        assert outcome.metrics == {}
    for outcome in expected(undisturbed):
        assert [row["epoch"] for row in outcome.history] == [*range(1, EPOCHS + 1)]
        assert outcome.metrics in outcome.history
    first, second = expected(undisturbed)
    assert first.history != second.history


def test_a_trial_that_resumes_after_its_last_epoch_keeps_its_history(
    task: Task,
    datasets: dict[str, SharedDataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results, saved = list[Any](), tmp_path / "saved"

    def report(result: dict[str, Any], checkpoint: tune.Checkpoint | None = None) -> None:
        results.append(dict(result))
        if checkpoint:
            checkpoint.to_directory(saved)

    def checkpoint() -> Any:
        return tune.Checkpoint.from_directory(saved) if saved.exists() else None

    monkeypatch.setattr(tune, "report", report)
    monkeypatch.setattr(tune, "get_checkpoint", checkpoint)
    monkeypatch.setattr(ray, "get", lambda reference: reference)
    for _ in range(2):
        engine._train({SEED: 1}, task, cast(Any, datasets), STUDY)
    *epochs, end, resumed = results
    assert [len(result["history"]) for result in epochs] == [*range(1, EPOCHS + 1)]
    assert resumed == end


@pytest.mark.parametrize("searcher", ["random", "tpe"])
def test_trials_count_from_zero_with_each_searcher(
    searcher: Literal["random", "tpe"], task: Task, datasets: dict[str, SharedDataset]
) -> None:
    space = {"training.batch_size": Choice([32, 64])}
    study = replace(STUDY, space=space, samples=2, metric="validation_loss", searcher=searcher)
    record = Record()
    assert len(run(study, task, datasets, HERE, record)) == 2
    assert sorted(record.ends) == ["00000", "00001"]


def test_ray_starts_in_seconds_without_dashboard_and_telemetry(task: Task) -> None:
    of_cluster = psutil.Process().children(recursive=True)  # of the tests below
    started = time.process_time()
    with engine._ray(HERE, task):
        children = [c for c in psutil.Process().children(recursive=True) if c not in of_cluster]
        used = [time.process_time() - started, *(sum(c.cpu_times()[:2]) for c in children)]
        assert sum(used) < START_SECONDS
        assert not usage_stats_enabled()
        assert not ray.get_runtime_context().worker.node.webui_url
        assert len(children) > 2
        assert 8265 not in {
            connection.laddr.port for child in children for connection in listening(child)
        }
    assert not psutil.wait_procs(children, timeout=END_SECONDS)[1]


def test_sigterm_while_ray_starts_reaches_the_handler_of_the_command(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def start(**options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as Ray does
        signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    monkeypatch.setattr(ray, "init", start)
    with pytest.raises(KeyboardInterrupt), engine._ray(HERE, task):
        pass
    assert signal.getsignal(signal.SIGTERM) is end


def listening(process: psutil.Process) -> list[Any]:
    connections = process.net_connections("tcp")
    return [connection for connection in connections if connection.status == psutil.CONN_LISTEN]


# --- on a cluster


@pytest.fixture(scope="module")
def cluster(undisturbed: list[Outcome]) -> Iterator[Cluster]:
    """Return a cluster with one node of one core, whose loss of nodes is noticed soon."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    os.environ |= engine.ENVIRONMENT
    config = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000}
    node = {"num_cpus": 1, "include_dashboard": False, "_system_config": config}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    yield cluster
    cluster.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def machines(cluster: Cluster, tmp_path: Path) -> Machines:
    return Machines(cluster.address, jobs=0, gpus=0, storage=os.fspath(tmp_path / "storage"))


def test_a_trial_of_a_killed_worker_resumes_from_its_last_epoch(
    task: Task,
    datasets: dict[str, SharedDataset],
    machines: Machines,
    undisturbed: list[Outcome],
    reports: Reports,
) -> None:
    killed: list[psutil.Process] = []

    def kill(row: Row) -> None:
        if row["epoch"] == 4 and not killed:
            (worker,) = workers(psutil.Process())
            worker.kill()
            killed.append(worker)

    record = Record(kill)
    with engine.run(STUDY, task, datasets, machines, record) as outcomes:
        assert bits(outcomes) == expected(undisturbed)
    record.assert_once(trials=2)
    # The last checkpoint may be lost with the worker; earlier epochs are not trained again.
    for trial in record.ends:
        assert reports.of(trial)[:4] == [1, 2, 3, 4]
        assert set(reports.of(trial)[4:]) == {*range(reports.of(trial)[4], EPOCHS + 1)} <= {4, 5, 6}


@pytest.fixture(scope="module")
def storage(cluster: Cluster) -> Iterator[str]:
    """Return the address of a bucket on a local S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = f"scheme=http&endpoint_override={host}:{port}&region=us-east-1"
    store, _ = FileSystem.from_uri(f"s3://studies?{options}&allow_bucket_creation=true")
    store.create_dir("studies")
    yield f"s3://studies?{options}"
    server.stop()


def test_a_lost_node_loses_no_trial(
    task: Task,
    datasets: dict[str, SharedDataset],
    cluster: Cluster,
    storage: str,
    undisturbed: list[Outcome],
    reports: Reports,
) -> None:
    other = cluster.add_node(num_cpus=1)
    raylet = psutil.Process(other.all_processes["raylet"][0].process.pid)

    def lose(row: Row) -> None:
        if row["epoch"] == 3 and other in cluster.worker_nodes and workers(raylet):
            cluster.remove_node(other, allow_graceful=False)

    record = Record(lose)
    two_nodes = Machines(cluster.address, jobs=0, gpus=0, storage=storage)
    with engine.run(STUDY, task, datasets, two_nodes, record) as outcomes:
        assert other not in cluster.worker_nodes
        assert bits(outcomes) == expected(undisturbed)
    record.assert_once(trials=2)
    for number in record.ends:  # no trial starts again
        assert reports.of(number).count(1) == 1


def test_several_nodes_need_a_storage(
    task: Task, datasets: dict[str, SharedDataset], cluster: Cluster, machines: Machines
) -> None:
    other = cluster.add_node(num_cpus=1)
    with pytest.raises(UserError, match=r"^--storage: missing, but the cluster has 2 machines"):
        run(STUDY, task, datasets, replace(machines, storage=None))
    cluster.remove_node(other)


def run(
    study: Study,
    task: Task,
    datasets: dict[str, SharedDataset],
    machines: Machines,
    listener: Listener | None = None,
) -> list[Outcome]:
    with engine.run(study, task, datasets, machines, listener or Record()) as outcomes:
        return outcomes


def test_an_unfinished_study_is_not_mixed_with_another_one(
    task: Task,
    datasets: dict[str, SharedDataset],
    machines: Machines,
    undisturbed: list[Outcome],
    tmp_path: Path,
) -> None:
    def interrupt(row: Row) -> None:
        if row["epoch"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(STUDY, task, datasets, machines, Record(interrupt))
    folder = tmp_path / "storage" / STUDY.name
    with pytest.raises(UserError, match=rf"other settings: .* or delete {folder}$"):
        run(replace(STUDY, digest="2" * 64), task, datasets, machines)

    for name in ("tuner.pkl", "experiment_state-*.json"):
        (state,) = folder.glob(name)
        content = state.read_bytes()
        state.write_bytes(content[: len(content) // 2])
        with pytest.raises(UserError, match=rf"^{folder} is damaged .*: delete it"):
            run(STUDY, task, datasets, machines)
        state.write_bytes(content)
    assert bits(run(STUDY, task, datasets, machines)) == expected(undisturbed)


def test_a_study_stops_before_the_disk_is_full_and_continues_later(
    task: Task,
    datasets: dict[str, SharedDataset],
    machines: Machines,
    undisturbed: list[Outcome],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def fill(row: Row) -> None:
        if row["epoch"] == 3:
            full = SimpleNamespace(free=10**6)
            monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)

    folder = tmp_path / "storage" / STUDY.name
    reason = f"{folder}: less than 100 MB are free on this disk; delete other files"
    with pytest.raises(UserError, match=f"^the study stopped: {reason}; run the command again$"):
        run(STUDY, task, datasets, machines, Record(fill))
    with pytest.raises(UserError, match=f"^{reason}$"):
        run(STUDY, task, datasets, machines)

    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOENCODERS_DEVICE", "cpu")
    assert bits(run(STUDY, task, datasets, machines)) == expected(undisturbed)


# --- wrong addresses


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense", "nowhere.invalid:6379"])
def test_a_wrong_address_is_one_line(
    task: Task, datasets: dict[str, SharedDataset], machines: Machines, address: str
) -> None:
    with pytest.raises(UserError, match=rf"^--address: no Ray cluster answers at '{address}'"):
        run(STUDY, task, datasets, replace(machines, address=address))


def test_the_address_of_another_server_is_one_line(
    task: Task, datasets: dict[str, SharedDataset], machines: Machines, storage: str
) -> None:
    address = storage.partition("endpoint_override=")[2].partition("&")[0]
    with pytest.raises(UserError, match=r"another server answers"):
        run(STUDY, task, datasets, replace(machines, address=address))


@pytest.mark.parametrize(
    "storage", ["/proc/nowhere", "s3://bucket?scheme=http&endpoint_override=127.0.0.1:9", "x://y"]
)
def test_a_wrong_storage_is_one_line(
    task: Task, datasets: dict[str, SharedDataset], machines: Machines, storage: str
) -> None:
    with pytest.raises(UserError, match=r"^--storage: "):
        run(STUDY, task, datasets, replace(machines, storage=storage))
