"""Who imports whom in the package, read from the source: imports inside functions count too."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src"
PACKAGE = SOURCES / "autoencoders"


@cache
def graph() -> dict[str, frozenset[str]]:
    """Return every module's imports within the package, by dotted names below it.

    What type checkers alone import does not count, and importing from a package counts as
    importing the module there, where it is one.
    """
    modules = {_name(path): path for path in PACKAGE.rglob("*.py")}
    return {name: frozenset(_imports(path, set(modules))) for name, path in modules.items()}


def reached_from(module: str, without: frozenset[str] = frozenset()) -> set[str]:
    """Return all modules that a module imports, and that those import, but for `without`."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in without:
            found.add(name)
            waiting += graph()[name]
    return found


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imports(path: Path, modules: set[str]) -> Iterator[str]:
    for node in _statements(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                targets = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                targets = [f"{module}.{alias.name}" for alias in names]
                targets = [t if _below(t) in modules else module for t in targets]
            case ast.Call(func=ast.Name(id="LazyModule"), args=[ast.Constant(value=str(name))]):
                targets = [name]
            case _:
                continue
        yield from (name for name in map(_below, targets) if name in modules)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for other in child.orelse:
                    yield from (other, *_statements(other))
            case _:
                yield child
                yield from _statements(child)


def _below(dotted: str) -> str:
    """Return a module's name below the package; outside of it what no module is called."""
    package, _, rest = dotted.partition(".")
    return rest if package == "autoencoders" else "outside"
