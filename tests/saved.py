"""Save untrained variants as if they were trained, and run commands on them."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from filelock import FileLock

from autoencoders import params, paths, pipeline, yaml12
from autoencoders.commands import Parser
from autoencoders.errors import UserError
from autoencoders.param_types import ImageShape
from autoencoders.trained import variant
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Assembled
from benchmarks import copies, small

ROOT = Path(__file__).parents[1]
PARAMS = Path(__file__).with_name("params.yaml")  # users edit the one of the repository


def lay_out(repository: Path) -> None:
    """Copy params.yaml and dvc.yaml, which `autoencoders` needs, into a folder."""
    shutil.copy(PARAMS, repository / paths.PARAMS)
    shutil.copy(ROOT / paths.PIPELINE, repository / paths.PIPELINE)


def clone(target: Path, variants: Sequence[str], environment: dict[str, str]) -> Path:
    """Copy the working tree with small params, commit the copy, and return its folder."""
    copies.copy_working_tree(ROOT, target)
    lay_out(target)
    small.write(target / paths.PARAMS, ["mnist"], variants, epochs=2)
    copies.commit(target, environment)
    return target


def built_once(
    factory: pytest.TempPathFactory, worker_id: str, name: str, build: Callable[[Path], object]
) -> Path:
    """Return a folder that the first of pytest's workers has filled by `build(folder)`."""
    shared = factory.getbasetemp() if worker_id == "master" else factory.getbasetemp().parent
    folder, done = shared / name, shared / f"{name}.done"
    with FileLock(shared / f"{name}.lock"):
        if not done.exists():
            build(folder)
            done.touch()
    return folder


def example(name: str) -> Variant:
    """Return a variant of examples/variants."""
    return Variant.model_validate(yaml12.read(ROOT / paths.EXAMPLES / f"{name}.yaml")[name])


def saved(dataset: str, image_shape: ImageShape, name: str = "superres") -> Assembled:
    """Save an untrained variant of a dataset as if it were trained; return its networks."""
    description = variant.Description(
        dataset=dataset,
        name=name,
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=image_shape,
        variant=params.load(PARAMS).variants.get(name) or example(name),
    )
    assembled = variant.build(description)
    history = [{"epoch": 1.0, "validation_loss": 1.0, "validation_mse": 1.0}]
    variant.save(paths.model(dataset, name), description, assembled, history)
    return assembled


def run(command: ModuleType, *arguments: str) -> tuple[list[str], list[str]]:
    """Run a command; return its lines, without the path of the folder `out`, and its errors."""
    parser = Parser()
    command.add_arguments(parser.add_subparsers().add_parser(command.__name__.split(".")[-1]))
    lines = []
    try:
        for line in command.run(parser.parse_args(arguments)):
            lines.append(line.removeprefix(f"{Path('out').absolute()}{os.sep}"))
    except UserError as error:
        return lines, pipeline.message_with_advice(error).splitlines()
    return lines, []
