"""Reads and writes YAML 1.2 with PyYAML, so that the pipeline and DVC read the same values.

PyYAML alone reads YAML 1.1, where `yes` is true, `1:30` is a number and `1e-5` is text.
"""

import math
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
# Patterns as in ruamel.yaml, which DVC uses, each with the possible first characters.
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
    """Return the plain content of a YAML file; None if it is empty.

    Raises:
        UserError: it is not UTF-8 or not YAML; the message gives the line number in the file.
        FileNotFoundError: the file does not exist.
    """
    content = path.read_bytes()
    try:
        return parse(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise UserError(
            f"{path} is not UTF-8: line {line}: found the byte 0x{byte:02x}; save the file as UTF-8"
        ) from None
    except ValueError as error:
        raise UserError(f"{path} is not YAML: {error}") from None


def parse(text: str) -> Any:
    """Return the plain content of YAML text.

    Raises:
        ValueError: it is not YAML; the message gives the line number in `text`.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        line, problem = _locate(error, text)
        raise ValueError(f"line {line}: {problem}") from None


def dump(content: Any) -> str:
    """Return plain content as YAML in the order of its keys; equal content gives equal text."""
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def in_one_line(content: Any) -> str:
    """Return plain content as YAML in one line, such as `[256, 128]`."""
    text: str = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, default_flow_style=True, width=math.inf
    )
    return text.removesuffix("...\n").rstrip()


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader of YAML 1.2 that rejects duplicate keys; every error has a position."""

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
        except ValueError as error:  # an impossible date such as 2020-13-45
            problem = f"found {node.value}: {error}"
            raise ConstructorError(None, None, problem, node.start_mark) from error

    def flatten_mapping(self, node: MappingNode) -> None:
        # Check before merging, which adds keys that the mapping's own keys may replace.
        if node not in self.checked:
            self.checked.add(node)
            keys = set()
            for key, _ in node.value:
                if (key.tag, str(key.value)) in keys:
                    problem = f"found duplicate key {key.value!r}; delete one"
                    raise ConstructorError(None, None, problem, key.start_mark)
                keys.add((key.tag, str(key.value)))
        super().flatten_mapping(node)

    def construct_integer(self, node: ScalarNode) -> int:
        text = node.value.replace("_", "")
        return int(text, {"0b": 2, "0o": 8, "0x": 16}.get(text.lstrip("+-")[:2], 10))


_Loader.add_constructor(INT, _Loader.construct_integer)


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes text which YAML 1.1 or 1.2 would read as another type."""


for _tag, (_form, _first) in SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(f"^(?:{_form})$"), list(_first))


def _locate(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Return the line number of an error, from 1, and the problem there."""
    if isinstance(error, ReaderError):
        character = chr(error.character)
        line = text.count("\n", 0, text.index(character)) + 1
        return line, f"found the character {character!r}; delete it"
    assert isinstance(error, yaml.MarkedYAMLError)
    mark = error.problem_mark or error.context_mark
    assert mark is not None
    if text[mark.index : mark.index + 1] == "\t":
        return mark.line + 1, "found a tab; indent with spaces"
    return mark.line + 1, files.shortened(str(error.problem or error.context))
