"""Which code decides a stage's bytes, for each variant by itself: lists of files that DVC compares.

In dvc.yaml a stage depends on its list in place of folders of code: what a variant's parts do not
import never runs the variant again, and what they import always does. Imports inside functions
count too. A registry, such as `variants.models`, is a module of imports and tables alone. Of it,
only the entries that params.yaml names count, with the modules that define them.
"""

import ast
import hashlib
from collections.abc import Set
from functools import cache
from pathlib import Path
from typing import Any

from autoencoders import files, paths, yaml12
from autoencoders.errors import UserError
from autoencoders.pipeline import STAGES

PACKAGE = Path(__file__).parent
# Modules that pass values on and decide no output; DVC tracks params and data files itself.
IGNORED_MODULES = {
    "components",
    "dependencies",
    "errors",
    "files",
    "param_types",
    "params",
    "paths",
}
IGNORED_MODULES |= {"pipeline", "progress", "running", "stages.common", "tracking", "yaml12"}
PERCEPTUAL_OBJECTIVES = {"perceptual"}  # the objectives that learn from the dataset's classifier


class Code:
    """The modules of the package, by their dotted names below it, as they are when first read."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self.package = package
        self.paths = {_dotted(path.relative_to(package)): path for path in package.rglob("*.py")}
        self.imports = cache(self._imports)
        self.table = cache(self._table)
        self._tree = cache(lambda module: ast.parse(self.paths[module].read_bytes()))

    def reached(self, start: str, names: Set[str], left_out: Set[str] = frozenset()) -> list[str]:
        """Return a line for a module, and for each that it imports, itself or by others.

        Args:
            start: the module.
            names: those of the entries of registries that count.
            left_out: modules and folders that do not count.
        """
        lines: dict[str, str] = {}
        waiting = [start]
        while waiting:
            module = waiting.pop()
            if module in lines or any(f"{module}.".startswith(f"{name}.") for name in left_out):
                continue
            path, imported, table = self.paths[module], self.imports(module), self.table(module)
            counts = files.digest(path)[:16]
            if table:
                used = {key: name for key, name in table.items() if key in names}
                imported = {(name, source) for name, source in imported if name in used.values()}
                counts = " ".join(f"{key}={name}" for key, name in used.items())
            lines[module] = f"{path.relative_to(self.package.parent).as_posix()} {counts}\n"
            waiting += [source for _, source in imported]
        return list(lines.values())

    def _imports(self, module: str) -> set[tuple[str, str]]:
        """Return the names that a module imports from the package, each with its module.

        Importing from a package is importing the module there, where it is one.
        """
        found = set()
        for node in ast.walk(self._tree(module)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(PACKAGE.name):
                source = str(node.module).partition(".")[2]
                for name in node.names:
                    inner = f"{source}.{name.name}".removeprefix(".")
                    origin = inner if inner in self.paths else source
                    found.add((name.asname or name.name, origin))
        return found

    def _table(self, module: str) -> dict[str, str]:
        """Return the entries of a registry, the names in params.yaml and in the code; else none."""
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
    """Write the lists of all stages and variants, and return how many they are.

    Raises:
        UserError: params.yaml lacks what says which code is used.
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
        raise UserError(f"{paths.PARAMS} is not valid: `autoencoders check` says why") from None
    with files.atomic_directory(paths.SOURCES) as folder:
        for path, text in lists.items():
            target = folder / path.relative_to(paths.SOURCES)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")
    return len(lists)


def listing(stage: str, variant: str, content: Any, code: Code) -> str:
    """Return a line for each module that decides a stage's bytes, and the digest of its file.

    `content` is that of params.yaml; `variant` is "" where the stage has none.
    """
    names = _names(content["variants"][variant]) if variant else set()
    learns = stage == "train" and not PERCEPTUAL_OBJECTIVES.isdisjoint(names)
    if stage == "classify" or learns:
        names |= _names(content["classifier"])
    samplers = code.table("samplers")
    drawn = {"evaluate": content["evaluation"].get("samplers", samplers), "figures": samplers}
    names |= {*drawn.get(stage, ())}
    left_out = {*IGNORED_MODULES}
    if "tensorflow" not in names:
        left_out.add("training.tensorflow")
    if stage == "train" and not learns:
        left_out |= {"trained.classifier", "variants.classifier"}
    lines = code.reached(f"stages.{stage}", names, left_out)
    if learns:  # dvc.yaml does not depend on the classifier's weights: list the code behind them
        lines += code.reached("stages.classify", names, left_out)
    return "".join(sorted(set(lines)))


def code_sha256(stage: str, variant: str) -> str:
    """Return the digest of a stage's list, of the code as it lies there now."""
    text = listing(stage, variant, yaml12.read(paths.PARAMS), Code())
    return hashlib.sha256(text.encode()).hexdigest()


def _names(content: Any) -> set[str]:
    """Return the names of registries' entries in a part of params.yaml, and of frameworks."""
    if not isinstance(content, dict):
        return set()
    named = {str(content[key]) for key in ("kind", "framework") if key in content}
    return named.union(*map(_names, content.values()))


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix("__init__").rstrip(".")
