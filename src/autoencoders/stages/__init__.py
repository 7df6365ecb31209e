"""The pipeline's stages: each reads files, calls the core, writes files, and is tracked.

`run` is what DVC calls; `track` uploads what the tracking server missed.
"""

import hashlib
import importlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

from autoencoders import device, files, params, pipeline, tracking
from autoencoders.errors import UserError
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.tracking import DataUsed, StageRun
from autoencoders.training import parallel


class StageModule(Protocol):
    """What each module of a stage defines."""

    def used_params(self, params: Params, item: Item) -> dict[str, Any]:
        """Return the params that the stage reads: those that dvc.yaml names for it."""
        ...

    def data_used(self, item: Item) -> DataUsed | None:
        """Return the images that the stage reads, if it reads one dataset's."""
        ...

    def produce(self, params: Params, item: Item, run: StageRun) -> str:
        """Write the outputs; return what was written and how good it is, in a line."""
        ...

    def log(self, item: Item, run: StageRun) -> None:
        """Log the outputs as they lie on disk."""
        ...


def _stage(name: str) -> StageModule:
    """Import the module of a stage: it alone, since each costs seconds."""
    stage: StageModule = importlib.import_module(f"autoencoders.stages.{name}")
    return stage


def run(item: Item) -> str:
    """Run a stage, tracked, and return its summary.

    Raises:
        UserError: params.yaml, a name or a file that the stage reads is not as it must be.
    """
    loaded = params.load()
    _require_known(item, loaded)
    row = pipeline.BY_NAME[item.stage]
    if parallel.from_environment().count > 1 and not row.distributed:
        shared = ", ".join(stage.name for stage in pipeline.STAGES if stage.distributed)
        raise UserError(f"{item.name} runs as one process: torchrun is for {shared} alone")
    stage = _stage(item.stage)
    if not parallel.from_environment().is_main:
        return stage.produce(loaded, item, tracking.NullRun())
    with device.gpu_lock(row.on_gpu), _tracked(stage, item, loaded) as run:
        summary = stage.produce(loaded, item, run)
        _log(stage, item, run)
    return summary


def track(loaded: Params, done: Collection[str]) -> Iterator[str]:
    """Upload each stage that is not tracked, of those that this configuration has `done`.

    Yields:
        A line for each stage that is uploaded, and one for all that are not run.

    Raises:
        UserError: the tracking server cannot be used.
    """
    all_items = list(pipeline.items(loaded.datasets_to_run, loaded.variants_to_run))
    tracked = tracking.finished_runs(loaded.experiment)
    missing = 0
    for item in (item for item in all_items if item.name in done):
        stage = _stage(item.stage)
        if (item.name, _digest(item.outputs)) in tracked:
            continue
        with _tracked(stage, item, loaded) as run:
            _log(stage, item, run)
        if not run.id:
            raise UserError(f"{item.name} could not be uploaded: run `autoencoders track` again")
        missing += 1
        yield f"uploaded {item.name}"
    if not missing:
        yield "nothing was missing"
    if waiting := [item for item in all_items if item.name not in done]:
        yield f"left out {len(waiting)} stages whose outputs are not of this params.yaml and code"


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
    """Return one digest of all files under `outputs`, names included."""
    content = hashlib.sha256()
    for output in outputs:
        for path in sorted(output.rglob("*")) if output.is_dir() else [output]:
            if path.is_file():
                content.update(f"{path.as_posix()} {files.digest(path)}\n".encode())
    return content.hexdigest()


def _require_known(item: Item, loaded: Params) -> None:
    for what, name, known in (
        ("dataset", item.dataset, params.image_shapes(loaded)),
        ("variant", item.variant, loaded.variants),
    ):
        if what in pipeline.BY_NAME[item.stage].matrix and name not in known:
            raise UserError(f"{what}: found {name!r}{params.suggestion(name, known)}")
