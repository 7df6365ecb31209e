"""YAML 1.2, as DVC reads it, by PyYAML: the pipeline and DVC find the same values.

PyYAML itself reads YAML 1.1, where `yes` is true, `1:30` is a number and `1e-5` is text.
"""

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml
from yaml import MappingNode, ScalarNode
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from autoencoders import files
from autoencoders.errors import UserError

BOOL, INT, FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))
# As in ruamel.yaml, which DVC uses; with the first characters of what matches.
SCALARS = {
    BOOL: (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    FLOAT: (
        r"[-+]?[0-9][0-9_]*(\.[0-9_]*([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)"
        r"|[-+]?\.[0-9_]+([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
    INT: (r"[-+]?(0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)", "-+0123456789"),
}


def read(path: Path) -> Any:
    """Return the plain content of a file that people write; None where it is empty.

    Raises:
        UserError: it is not UTF-8 or not YAML, in one line that says which line of the file.
        FileNotFoundError: there is none.
    """
    content = path.read_bytes()
    try:
        return parse(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise UserError(
            f"{path} is not UTF-8: line {line}: found the byte 0x{byte:02x}; save it as UTF-8"
        ) from None
    except ValueError as error:
        raise UserError(f"{path} is not YAML: {error}") from None


def parse(text: str) -> Any:
    """Return the plain content of YAML.

    Raises:
        ValueError: it is not YAML, in one line that says which line of `text`.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        line, problem = _what(error, text)
        raise ValueError(f"line {line}: {problem}") from None


def dump(content: Any) -> str:
    """Return plain content as YAML, in the order of its keys; the same content is the same text."""
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader of YAML 1.2 that refuses duplicate keys; every complaint says where."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {
        first: [(tag, form) for tag, form in forms if tag not in SCALARS]
        for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.checked: set[MappingNode] = set()

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # a day such as 2020-13-45
            problem = f"found {node.value}: {error}"
            raise ConstructorError(None, None, problem, node.start_mark) from error

    def flatten_mapping(self, node: MappingNode) -> None:
        # Checked once, before merging: it adds keys that the mapping's own keys replace.
        if node not in self.checked:
            self.checked.add(node)
            found = set()
            for key, _ in node.value:
                if (key.tag, str(key.value)) in found:
                    problem = f"found duplicate key {key.value!r}"
                    raise ConstructorError(None, None, problem, key.start_mark)
                found.add((key.tag, str(key.value)))
        super().flatten_mapping(node)

    def construct_integer(self, node: ScalarNode) -> int:
        text = node.value.replace("_", "")
        return int(text, {"0b": 2, "0o": 8, "0x": 16}.get(text.lstrip("+-")[:2], 10))


_Loader.add_constructor(INT, _Loader.construct_integer)


class _Dumper(yaml.SafeDumper):
    """One that quotes text which readers of YAML 1.1 or 1.2 would take for something else."""


for _tag, (_form, _first) in SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(f"^(?:{_form})$"), list(_first))


def _what(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Return the line, counted from 1, and what is wrong there."""
    if isinstance(error, ReaderError):
        character = chr(error.character)
        line = text.count("\n", 0, text.index(character)) + 1
        return line, f"found the character {character!r}"
    assert isinstance(error, yaml.MarkedYAMLError)
    mark = error.problem_mark or error.context_mark
    assert mark is not None
    if text[mark.index : mark.index + 1] == "\t":
        return mark.line + 1, "found a tab: indent by spaces"
    return mark.line + 1, files.shortened(str(error.problem or error.context))
