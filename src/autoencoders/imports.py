"""Who imports whom in the package, read from the source: imports inside functions count too.

A registry is a dictionary from names in params.yaml to code, such as `MODELS`. Where a module has
one, what it imports for unused entries does not count, nor do the lines that have a name of those.
"""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
NONE: frozenset[str] = frozenset()
Entry = tuple[str, ast.expr | None, ast.expr]  # of a registry: its name, the key, the value


class Code:
    """The modules of the package by their dotted names, as they are when they are first read."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self.package = package
        self.paths = {_dotted(path, package): path for path in package.rglob("*.py")}
        self.text = cache(lambda module: self.paths[module].read_text("utf-8"))
        self.body = cache(lambda module: ast.parse(self.text(module), str(self.paths[module])).body)
        self.nodes = cache(lambda module: list(_nodes(self.body(module))))
        self.entries = cache(self._entries)
        self.imports = cache(self._imports)

    def reached(
        self, start: str, used: Mapping[str, Collection[str]], left_out: Callable[[str], bool]
    ) -> dict[str, str]:
        """Return what counts of the text of a module, and of all that it and they import.

        `used` are the keys of used entries, of each registry by its name.
        """
        found: dict[str, str] = {}
        waiting = [start]
        while waiting:
            module = waiting.pop()
            if module not in found and not left_out(module):
                unused = self._unused(module, used)
                found[module] = _without(self.text(module), unused)
                waiting += self.imports(module, frozenset(used), unused)
        return found

    def _imports(
        self, module: str, registries: frozenset[str] = NONE, unused: frozenset[str] = NONE
    ) -> set[str]:
        """Return the modules that a module imports; what type checkers alone import is none.

        Importing from a package is importing the module there, where it is one. What a module with
        a registry has imported itself is imported from where it is defined.
        """
        found: set[str] = set()
        for node in self.nodes(module):
            match node:
                case ast.Import(names=names):
                    found |= {alias.name for alias in names}
                case ast.ImportFrom(module=str(source), names=names):
                    wanted = [alias.name for alias in names if _bound(alias) not in unused]
                    found |= {self._origin(source, name, registries) for name in wanted}
                case ast.Call(args=[ast.Constant(value=str(source))]):  # `import_module(…)`
                    found.add(source)
        return found & self.paths.keys()

    def _origin(self, module: str, name: str, registries: frozenset[str]) -> str:
        """Return the module that `from module import name` imports."""
        if (inner := f"{module}.{name}") in self.paths:
            return inner
        if module in self.paths and self.entries(module, registries):
            origin = self._imported(module).get(name)
            return self._origin(*origin, registries) if origin else module
        return module

    def _imported(self, module: str) -> dict[str, tuple[str, str]]:
        """Return the names that a module's imports bind: of each its module, and its name there."""
        nodes = [node for node in self.nodes(module) if isinstance(node, ast.ImportFrom)]
        return {_bound(a): (str(node.module), a.name) for node in nodes for a in node.names}

    def _entries(self, module: str, registries: frozenset[str]) -> list[Entry]:
        """Return the entries of the registries that a module defines."""
        found: list[Entry] = []
        for node in self.body(module):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict() as table)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict() as table)
                ) if name in registries:
                    found += [(name, k, v) for k, v in zip(table.keys, table.values, strict=True)]
        return found

    def _unused(self, module: str, used: Mapping[str, Collection[str]]) -> frozenset[str]:
        """Return what a module with registries imports for unused entries, or only passes on."""
        entries = self.entries(module, frozenset(used))
        if not entries:
            return NONE
        unused = [v for name, key, v in entries if getattr(key, "value", None) not in used[name]]
        named = {n.id for n in self.nodes(module) if isinstance(n, ast.Name) and n not in unused}
        return frozenset(self._imported(module)) - named


def _without(text: str, names: frozenset[str]) -> str:
    """Return a text without the lines that have one of these names."""
    if not names:
        return text
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if names.isdisjoint(re.findall(r"\w+", line)))


def _nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _nodes(node.orelse)
        else:
            yield node
            yield from _nodes(ast.iter_child_nodes(node))


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name


def _dotted(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")
