"""Runs and tracks the pipeline's stages: each reads files, computes and writes files.

DVC calls `run`; `track` uploads stages that the tracking server lacks.
"""

import hashlib
import importlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

from autoencoders import device, files, params, pipeline, tracking
from autoencoders.errors import UserError, suggestion
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.tracking import DataUsed, StageRun
from autoencoders.training import parallel


class StageModule(Protocol):
    """The functions that the module of a stage defines."""

    def used_params(self, params: Params, item: Item) -> dict[str, Any]:
        """Return the params that the stage reads, the same as in dvc.yaml."""
        ...

    def data_used(self, item: Item) -> DataUsed | None:
        """Return a description of the dataset that the stage reads, or None."""
        ...

    def produce(self, params: Params, item: Item, run: StageRun) -> str:
        """Write the outputs; return a summary in one line."""
        ...

    def log(self, item: Item, run: StageRun) -> None:
        """Log the outputs that are on the disk."""
        ...


def _stage(name: str) -> StageModule:
    """Import the module of one stage; importing all would take seconds."""
    stage: StageModule = importlib.import_module(f"autoencoders.stages.{name}")
    return stage


def run(item: Item) -> str:
    """Run a stage, track it in MLflow and return its summary.

    Raises:
        UserError: params.yaml, a name or an input file is wrong, or there are several processes.
    """
    loaded = params.load()
    _require_known(item, loaded)
    properties = pipeline.BY_NAME[item.stage]
    if parallel.from_environment().count > 1 and not properties.distributed:
        shared = ", ".join(stage.name for stage in pipeline.STAGES if stage.distributed)
        raise UserError(
            f"torchrun: found {parallel.from_environment().count} processes for {item.name}; "
            f"allowed: one; run it without torchrun, which is only for {shared}"
        )
    stage = _stage(item.stage)
    if not parallel.from_environment().is_main:
        return stage.produce(loaded, item, tracking.NullRun())
    with device.gpu_lock(properties.on_gpu), _tracked(stage, item, loaded) as run:
        summary = stage.produce(loaded, item, run)
        _log(stage, item, run)
    return summary


def track(loaded: Params, done: Collection[str]) -> Iterator[str]:
    """Upload the results of those stages of `done`, by name, that are not yet tracked.

    `done` contains the stages whose outputs are up to date with this configuration.

    Yields:
        One line for each uploaded stage, and one for all stages that are not in `done`.

    Raises:
        UserError: an upload fails.
    """
    all_items = list(pipeline.items(loaded.datasets_to_run, loaded.variants_to_run))
    tracked = tracking.finished_runs(loaded.experiment)
    uploads = 0
    for item in (item for item in all_items if item.name in done):
        stage = _stage(item.stage)
        if (item.name, _digest(item.outputs)) in tracked:
            continue
        with _tracked(stage, item, loaded) as run:
            _log(stage, item, run)
        if not run.id:
            raise UserError(f"{item.name} could not be uploaded: run `autoencoders track` again")
        uploads += 1
        yield f"uploaded {item.name}"
    if not uploads:
        yield "nothing to upload"
    if outdated := [item for item in all_items if item.name not in done]:
        yield f"left out {len(outdated)} stages that are not up to date: run `dvc repro` first"


def _tracked(stage: StageModule, item: Item, loaded: Params) -> Any:
    return tracking.stage_run(
        item,
        params=stage.used_params(loaded, item),
        configuration=loaded.model_dump(mode="json"),
        experiment=loaded.experiment,
        data=stage.data_used(item),
    )


def _log(stage: StageModule, item: Item, run: StageRun) -> None:
    stage.log(item, run)
    run.log(tags={"outputs.sha256": _digest(item.outputs)})


def _digest(outputs: list[Path]) -> str:
    """Return one SHA-256 of the names and contents of all files in `outputs`."""
    content = hashlib.sha256()
    for output in outputs:
        for path in sorted(output.rglob("*")) if output.is_dir() else [output]:
            if path.is_file():
                content.update(f"{path.as_posix()} {files.digest(path)}\n".encode())
    return content.hexdigest()


def _require_known(item: Item, loaded: Params) -> None:
    for axis, name, allowed in (
        ("dataset", item.dataset, params.image_shapes(loaded)),
        ("variant", item.variant, loaded.variants),
    ):
        if axis in pipeline.BY_NAME[item.stage].matrix and name not in allowed:
            raise UserError(f"{axis}: found {name!r}{suggestion(name, allowed)}")
