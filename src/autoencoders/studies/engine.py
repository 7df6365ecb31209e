"""Runs studies on Ray, on this machine or on a cluster. Only this module imports ray and optuna.

Ray Tune draws the values, starts trials, restarts those whose process or machine is lost, and
keeps the study's state, so that a study continues after this process was killed.
"""

import json
import logging
import math
import os
import shutil
import signal
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import optuna
import ray
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem
from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler
from ray.tune.search import BasicVariantGenerator
from ray.tune.search.optuna import OptunaSearch

from autoencoders import files, paths, threads
from autoencoders.errors import UserError
from autoencoders.studies import trial
from autoencoders.studies.study import (
    Choice,
    Domain,
    Grid,
    Integer,
    Listener,
    LogUniform,
    Machines,
    Outcome,
    Study,
    Uniform,
    Values,
    best_epoch,
)
from autoencoders.studies.trial import SharedDataset, Task
from autoencoders.training.history import Row

PACKAGE = Path(__file__).parents[1]
VALUE = "value"  # the column of results that Tune compares
TUNER = "tuner.pkl"  # Tune's file in the folder of an unfinished study
LOST_WORKERS = 5  # how often a trial restarts after its process or its machine is lost
LONGEST = 10_000  # epochs; ASHA would end a trial at its longest duration
CONNECT_SECONDS = 5
MIN_FREE_MB = 100  # on a full disk Tune would leave half a file of its state
# The first bytes of a connection to a gRPC server, which answers with a frame of this type.
HTTP2_PREFACE, SETTINGS_FRAME = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5), 4
ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # Ray's default is the priority of a background program
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # The saved state names the last checkpoint of each trial, which must still exist after a kill.
    "TUNE_GLOBAL_CHECKPOINT_S": "1",
}


@contextmanager
def run(
    study: Study,
    task: Task,
    datasets: Mapping[str, SharedDataset],
    machines: Machines,
    listener: Listener,
) -> Iterator[list[Outcome]]:
    """Run a study, or continue it, and yield the outcomes of all trials in their order.

    The `with` block saves the results; after it the state of the study is deleted. A trial with
    impossible values has an error instead of metrics, and the study goes on.

    Raises:
        UserError: Ray does not start, the storage or a machine fails, another process runs the
            study, or there is an unfinished study with this name and other settings.
    """
    with files.exclusive(
        paths.STUDIES / "lock", "another study runs in this repository: wait for its end"
    ):
        with _ray(machines, task):
            location = _location(machines, study.name)
            try:
                store, folder = _open(location, study, machines)
                _require_space(store, folder)
                tuner = _tuner(study, task, datasets, machines, location, store, folder)
                _Forward.listener = listener
                grid = tuner.fit()
                results = [grid[number] for number in range(len(grid))]
            except (OSError, ray.exceptions.RayError, tune.TuneError) as error:
                raise _unfinished(str(error)) from error
            for failed in (result.error for result in results if result.error):
                raise _unfinished(str(failed))
        lasts = [result.metrics for result in results if result.metrics]
        numbered = {_number(study, last["experiment_tag"]): last for last in lasts}
        yield [_outcome(last["config"], last) for _, last in sorted(numbered.items())]
        store.delete_dir(folder)


def _unfinished(reason: str) -> UserError:
    lines = [line for line in reason.splitlines() if line.strip()] or ["no reason is known"]
    last = lines[-1].removeprefix(f"{UserError.__module__}.{UserError.__qualname__}: ")
    return UserError(f"the study stopped: {files.shortened(last)}; run the command again")


@contextmanager
def _ray(machines: Machines, task: Task) -> Iterator[None]:
    """Connect to the cluster; without an address, start Ray here, and end it afterwards."""
    os.environ.update(ENVIRONMENT)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    variables = threads.SINGLE_THREAD | threads.SLEEP
    if device := os.environ.get("AUTOENCODERS_DEVICE"):
        variables["AUTOENCODERS_DEVICE"] = device
    options: dict[str, Any] = {"runtime_env": {"env_vars": variables}}
    end = signal.getsignal(signal.SIGTERM)  # Ray replaces this handler
    # The address of a socket has at most 107 bytes, so the folder of Ray's files has a short path.
    with files.temporary_path(Path("/tmp/r")) as folder:
        if machines.address:
            _require_cluster(machines.address)
            options["address"] = machines.address
            options["runtime_env"]["py_modules"] = [os.fspath(PACKAGE)]
        else:
            options |= {"address": "local", "num_cpus": machines.jobs, "include_dashboard": False}
            options["_temp_dir"] = os.fspath(folder)
        try:
            try:
                ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **options)
            except Exception as error:  # Ray raises many types
                raise UserError(f"Ray: {files.shortened(str(error))}") from error
            except SystemExit:  # raised by Ray's handler of SIGTERM
                signal.signal(signal.SIGTERM, end)
                signal.raise_signal(signal.SIGTERM)
            signal.signal(signal.SIGTERM, end)
            yield
        finally:
            ray.shutdown()


def _require_cluster(address: str) -> None:
    """Raise a `UserError` if no cluster answers; `ray.init` would try for minutes."""
    try:
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), CONNECT_SECONDS) as connection:
            connection.sendall(HTTP2_PREFACE)
            if connection.recv(9)[3:4] != bytes([SETTINGS_FRAME]):
                raise ValueError("another server answers")
    except (OSError, ValueError) as error:
        raise UserError(
            f"--address: no Ray cluster answers at {address!r} ({files.shortened(str(error))}); "
            "allowed: HOST:PORT of a cluster's head, as `ray start --head` prints it"
        ) from error


def _location(machines: Machines, name: str) -> str:
    """Return the path or the URI of the folder of a study's state."""
    if machines.storage is None:
        alive = sum(node["Alive"] for node in ray.nodes())  # type: ignore[no-untyped-call]
        if alive > 1:
            raise UserError(
                f"--storage: missing, but the cluster has {alive} machines; add a folder or an S3 "
                "address that all of them reach"
            )
        return os.fspath(paths.STUDIES.absolute() / name)
    if "://" not in machines.storage:
        return f"{machines.storage}/{name}"
    uri = urlsplit(machines.storage)
    return uri._replace(path=f"{uri.path.rstrip('/')}/{name}").geturl()


def _open(location: str, study: Study, machines: Machines) -> tuple[FileSystem, str]:
    """Return the file system of a study's state, and its folder there, with the digest."""
    try:
        store, folder = FileSystem.from_uri(location)
        _check_digest(store, folder, study)
    except (OSError, ValueError) as error:
        if machines.storage is None:
            raise
        raise UserError(
            f"--storage: {machines.storage} fails ({files.shortened(str(error))}); allowed: a "
            "folder or an S3 address, s3://BUCKET/FOLDER, that all machines reach"
        ) from error
    return store, folder


def _check_digest(store: FileSystem, folder: str, study: Study) -> None:
    """Refuse to continue a study with other settings; write the digest of a new one."""
    path = f"{folder}/digest"
    if store.get_file_info(f"{folder}/{TUNER}").type != FileType.NotFound:
        with store.open_input_stream(path) as stream:
            if stream.read().decode() == study.digest:
                return
        raise UserError(
            f"{study.name} is unfinished, with other settings: restore them to continue it, or "
            f"delete {folder}"
        )
    store.create_dir(folder)
    with store.open_output_stream(path) as stream:
        stream.write(study.digest.encode())


def _require_space(store: FileSystem, folder: str) -> None:
    """Raise a `UserError` if the state is on a disk of this machine that is almost full."""
    if isinstance(store, LocalFileSystem) and shutil.disk_usage(folder).free < MIN_FREE_MB * 10**6:
        raise UserError(
            f"{folder}: less than {MIN_FREE_MB} MB are free on this disk; delete other files"
        )


def _tuner(
    study: Study,
    task: Task,
    datasets: Mapping[str, SharedDataset],
    machines: Machines,
    location: str,
    store: FileSystem,
    folder: str,
) -> tune.Tuner:
    """Return Tune's object for a new study, or for an unfinished one from its state."""
    shared = {name: ray.put(dataset) for name, dataset in datasets.items()}
    trainable = tune.with_resources(
        tune.with_parameters(_train, task=task, shared=shared, study=study),
        lambda config: _resources(task, config, machines),
    )
    if tune.Tuner.can_restore(location):
        try:
            _check_state(store, folder)
            return tune.Tuner.restore(location, trainable, resume_errored=True)
        except Exception as error:  # damaged pickles raise any exception
            raise UserError(
                f"{location} is damaged ({files.describe_error(error)}): delete it, and the study "
                "starts again"
            ) from error
    return tune.Tuner(
        trainable,
        param_space={key: _domain(domain) for key, domain in study.space.items()},
        tune_config=tune.TuneConfig(
            search_alg=_searcher(study),
            scheduler=_scheduler(study),
            num_samples=study.samples,
            max_concurrent_trials=machines.jobs or None,
            metric=VALUE,
            mode="min",
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=study.name,
            storage_path=os.fspath(machines.storage or paths.STUDIES.absolute()),
            failure_config=tune.FailureConfig(max_failures=LOST_WORKERS),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=2),
            callbacks=[_Forward(study)],
            verbose=0,
        ),
    )


def _check_state(store: FileSystem, folder: str) -> None:
    """Raise `ValueError` if the newest list of trials is not JSON; Tune would only start again."""
    found = [file.path for file in store.get_file_info(FileSelector(folder))]
    if states := [path for path in found if "/experiment_state-" in path]:
        with store.open_input_stream(max(states)) as stream:
            json.loads(stream.read())


def _train(
    config: Values, task: Task, shared: Mapping[str, "ray.ObjectRef[SharedDataset]"], study: Study
) -> None:
    """Run one trial in a worker; continue from its checkpoint if there is one."""
    result: dict[str, Any] = {VALUE: math.nan, "history": []}
    with tempfile.TemporaryDirectory() as name:
        if checkpoint := tune.get_checkpoint():
            checkpoint.to_directory(name)

        def update(rows: Sequence[Row]) -> None:
            result.update({VALUE: _value(study, best_epoch(rows)), "history": list(rows)})

        def report(rows: Sequence[Row]) -> None:
            update(rows)
            tune.report(result, checkpoint=tune.Checkpoint.from_directory(name))

        try:
            if rows := trial.read_history(Path(name)):  # perhaps no epoch is left
                update(rows)
            dataset, _ = task.item(config)
            metrics = trial.run(task, ray.get(shared[dataset]), config, Path(name), report)
            if study.metric and study.metric not in metrics:
                raise UserError(f"metric: found {study.metric!r}; allowed: {', '.join(metrics)}")
            result.update({VALUE: _value(study, metrics), "metrics": dict(metrics)})
        except OSError:  # a fault of this machine, not of the values: Tune tries again
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, UserError) else files.describe_error(error)
            result.update({VALUE: math.nan, "error": "; ".join(reason.splitlines())})
        tune.report(result)


def _value(study: Study, metrics: Mapping[str, float]) -> float:
    """Return the study's metric, so that lower values are better; NaN before it is measured."""
    value = metrics.get(study.metric, math.nan) if study.metric else 0.0
    return value if study.lower_is_better else -value


def _outcome(config: Values, result: Mapping[str, Any]) -> Outcome:
    history = result.get("history", [])
    error = result.get("error", "")
    metrics = {} if error else result.get("metrics", best_epoch(history))
    return Outcome(dict(config), history, metrics, error, result.get("time_total_s", 0.0))


def _resources(task: Task, config: Values, machines: Machines) -> tune.PlacementGroupFactory:
    """Return the cores and GPUs of a trial: as many cores as its training has threads."""
    _, name = task.item(config)
    key = "training.threads"
    cores = config.get(key, task.content["variants"][name]["training"].get("threads", 1))
    if not machines.address:
        cores = min(cores, machines.jobs)
    return tune.PlacementGroupFactory([{"CPU": cores, "GPU": machines.gpus}])


def _domain(domain: Domain) -> Any:
    """Return a domain as Tune's object."""
    match domain:
        case Choice(values):
            return tune.choice(list(values))
        case Grid(values):
            return tune.grid_search(list(values))
        case Uniform(low, high):
            return tune.uniform(low, high)
        case LogUniform(low, high):
            return tune.loguniform(low, high)
        case Integer(low, high):
            return tune.randint(low, high + 1)


def _searcher(study: Study) -> OptunaSearch | BasicVariantGenerator:
    if study.searcher == "tpe":
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.filterwarnings("ignore", "Choices for a categorical")  # lists need no storage
        return OptunaSearch(metric=VALUE, mode="min", seed=study.seed)
    return BasicVariantGenerator(random_state=study.seed)


def _scheduler(study: Study) -> FIFOScheduler:
    if study.scheduler == "asha":
        return ASHAScheduler(metric=VALUE, mode="min", max_t=LONGEST)
    return FIFOScheduler()  # type: ignore[no-untyped-call]


class _Forward(tune.Callback):
    """Passes the results of trials to the listener of this process.

    The class has the listener, because Tune saves each instance with the state of its study.
    """

    listener: ClassVar[Listener]

    def __init__(self, study: Study) -> None:
        self.study = study
        self.epochs: dict[str, int] = {}  # of each trial
        self.ended: set[str] = set()

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Pass the outcomes of trials that an earlier process of this study has finished."""
        for ended in (one for one in trials if one.status == "TERMINATED"):
            self.on_trial_complete(iteration, trials, ended)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Pass the new rows of the history; stop the study before the disk is full."""
        number, history = _number(self.study, trial.experiment_tag), result["history"]
        for row in history[self.epochs.get(number, 0) :]:
            self.listener.epoch(number, trial.config, row)
            _require_space(trial.storage.storage_filesystem, trial.storage.experiment_fs_path)
        self.epochs[number] = len(history)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Pass the outcome of a trial once."""
        number = _number(self.study, trial.experiment_tag)
        if number not in self.ended:
            self.ended.add(number)
            self.listener.end(number, _outcome(trial.config, trial.last_result))


def _number(study: Study, tag: str) -> str:
    """Return the number of a trial, from 0, from its tag, such as `3_seed=4`.

    The order of Tune's trials may change, their tags stay.
    """
    first = 1 if study.searcher == "tpe" else 0  # Tune's two kinds of searchers count differently
    return f"{int(tag.partition('_')[0]) - first:05}"
