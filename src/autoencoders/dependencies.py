"""Writes lists of the source files that determine the outputs of each stage and variant.

In dvc.yaml a stage depends on its list, not on folders of code. DVC thus reruns a variant only
after changes to files that it imports, at the top of a module or inside a function. A registry,
such as `variants.models`, is a module with only imports and tables. Only the entries selected in
params.yaml and the modules that define them count.
"""

import ast
import hashlib
from collections.abc import Set
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from autoencoders import files, find_weights, paths, yaml12
from autoencoders.errors import UserError
from autoencoders.pipeline import STAGES

PACKAGE = Path(__file__).parent
# Modules that change no output; DVC compares params.yaml and the data files directly.
IGNORED_MODULES = {"application", "components", "dependencies", "errors", "files", "find_weights"}
IGNORED_MODULES |= {
    "param_types",
    "params",
    "paths",
    "pipeline",
    "progress",
    "running",
    "stages.common",
}
IGNORED_MODULES |= {"tracking", "yaml12"}
WEIGHTS = "initial_weights"  # the folder of links to them
PERCEPTUAL_OBJECTIVES = {"perceptual"}  # objectives that use the dataset's classifier


class Code:
    """The modules of the package by dotted names without the package; files are read only once."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self.package = package
        self.paths = {_dotted(path.relative_to(package)): path for path in package.rglob("*.py")}
        self.imports = cache(self._imports)
        self.table = cache(self._table)
        self._tree = cache(lambda module: ast.parse(self.paths[module].read_bytes()))

    def reached(self, start: str, names: Set[str], ignored: Set[str] = frozenset()) -> list[str]:
        """Return a line for a module and for each module that it imports directly or indirectly.

        Args:
            start: the module.
            names: the selected entries of registries.
            ignored: modules and folders to leave out.
        """
        lines: dict[str, str] = {}
        waiting = [start]
        while waiting:
            module = waiting.pop()
            if module in lines or any(f"{module}.".startswith(f"{name}.") for name in ignored):
                continue
            path, imported, table = self.paths[module], self.imports(module), self.table(module)
            content = files.digest(path)[:16]
            if table:
                used = {key: name for key, name in table.items() if key in names}
                imported = {(name, source) for name, source in imported if name in used.values()}
                content = " ".join(f"{key}={name}" for key, name in used.items())
            lines[module] = f"{path.relative_to(self.package.parent).as_posix()} {content}\n"
            waiting += [source for _, source in imported]
        return list(lines.values())

    def _imports(self, module: str) -> set[tuple[str, str]]:
        """Return pairs of a name that a module imports from the package, and the name's module.

        If the name is itself a module, that module is the second element.
        """
        imports = set()
        for node in ast.walk(self._tree(module)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(PACKAGE.name):
                source = str(node.module).partition(".")[2]
                for name in node.names:
                    inner = f"{source}.{name.name}".removeprefix(".")
                    origin = inner if inner in self.paths else source
                    imports.add((name.asname or name.name, origin))
        return imports

    def _table(self, module: str) -> dict[str, str]:
        """Return a registry's names in params.yaml with their names in code; else an empty dict."""
        body = self._tree(module).body
        if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body):
            return {}
        return {
            str(key.value): value.id
            for node in body
            if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict)
            for key, value in zip(node.value.keys, node.value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(value, ast.Name)
        }


def write() -> int:
    """Write the lists of all stages and variants; return the number of lists.

    Raises:
        UserError: params.yaml lacks keys that select code.
    """
    content, code = yaml12.read(paths.PARAMS), Code()
    try:
        lists = {
            paths.sources(stage.name, variant): listing(stage.name, variant, content, code)
            for stage in STAGES
            if stage.tracked
            for variant in (dict(content["variants"]) if "variant" in stage.matrix else [""])
        }
    except (KeyError, TypeError, ValueError):
        raise UserError(
            f"{paths.PARAMS} is not valid: run `autoencoders check` to see why"
        ) from None
    with files.atomic_directory(paths.SOURCES) as folder:
        for path, text in lists.items():
            target = folder / path.relative_to(paths.SOURCES)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")
        _link_weights(folder / WEIGHTS, content["variants"])
    return len(lists)


def _link_weights(folder: Path, variants: dict[str, Any]) -> None:
    """Link to the initial weights of each variant: after a change, DVC runs `sources` again.

    A dependency in dvc.yaml cannot do this: the weights may be an output of another training.
    """
    for variant, settings in variants.items():
        name = _initial_weights(settings)
        if name and (target := find_weights.watched(name)):
            folder.mkdir(exist_ok=True)
            with suppress(OSError):  # Windows may not allow links
                (folder / variant).symlink_to(target)


def remove_dead_links() -> None:
    """Remove links to initial weights that no longer exist; DVC fails on such a link."""
    for link in (paths.SOURCES / WEIGHTS).glob("*"):
        if not link.exists():
            link.unlink()


def listing(stage: str, variant: str, content: Any, code: Code) -> str:
    """Return a line for each module that determines a stage's outputs: its file and digest.

    A training from initial weights has a line for these too. `content` is the content of
    params.yaml; `variant` is "" for a stage without variants.
    """
    names = _names(content["variants"][variant]) if variant else set()
    uses_classifier = stage == "train" and not PERCEPTUAL_OBJECTIVES.isdisjoint(names)
    if stage == "classify" or uses_classifier:
        names |= _names(content["classifier"])
    samplers = code.table("samplers")
    used = {"evaluate": content["evaluation"].get("samplers", samplers), "figures": samplers}
    names |= {*used.get(stage, ())}
    ignored = {*IGNORED_MODULES}
    if "tensorflow" not in names:
        ignored.add("training.tensorflow")
    if stage == "train" and not uses_classifier:
        ignored |= {"trained.classifier", "variants.classifier"}
    lines = code.reached(f"stages.{stage}", names, ignored)
    weights = _initial_weights(content["variants"][variant]) if stage == "train" else None
    if weights:
        lines.append(f"{weights} {find_weights.sha256(weights)[:16]}\n")
    if uses_classifier:  # dvc.yaml has no dependency on its weights: list the code that trains it
        lines += code.reached("stages.classify", names, ignored)
    return "".join(sorted(set(lines)))


def _initial_weights(settings: Any) -> str | None:
    """Return the name of a variant's initial weights; raise TypeError if it is no text."""
    name: object = settings["training"].get("initial_weights")
    if not isinstance(name, str | None):
        raise TypeError(f"initial_weights: found {name!r}")
    return name


def code_sha256(stage: str, variant: str) -> str:
    """Return the SHA-256 of a stage's list, made from the current code."""
    text = listing(stage, variant, yaml12.read(paths.PARAMS), Code())
    return hashlib.sha256(text.encode()).hexdigest()


def _names(content: Any) -> set[str]:
    """Return all values of `kind` and `framework` in a part of params.yaml."""
    if not isinstance(content, dict):
        return set()
    names = {str(content[key]) for key in ("kind", "framework") if key in content}
    return names.union(*map(_names, content.values()))


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix("__init__").rstrip(".")
