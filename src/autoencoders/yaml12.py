"""Reads and writes YAML 1.2 with DVC's parser, so that the pipeline and DVC read the same values.

PyYAML reads YAML 1.1, where `yes` is true, `1:30` is a number and `1e-5` is text.
"""

from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import Node, ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter

from autoencoders import files
from autoencoders.errors import UserError


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
    yaml = YAML(typ="safe")
    yaml.Constructor = _Constructor
    try:
        return yaml.load(text)
    except ReaderError as error:
        character = chr(error.character)
        line = text.count("\n", 0, text.index(character)) + 1
        raise ValueError(f"line {line}: found the character {character!r}; delete it") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        assert mark is not None
        problem = files.shortened(str(error.problem or error.context))
        if text[mark.index : mark.index + 1] == "\t":
            problem = "found a tab; indent with spaces"
        raise ValueError(f"line {mark.line + 1}: {problem}") from None


def flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted key and the value of each entry: {"a": {"b": 1}} has ("a.b", 1)."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def dump(content: Any) -> str:
    """Return plain content as YAML in the order of its keys; equal content gives equal text."""
    return _dump(content, False, 80)


def in_one_line(content: Any) -> str:
    """Return plain content as YAML in one line, such as `[256, 128]`."""
    return _dump(content, True, 2**31 - 1).removesuffix("...\n").rstrip()


def _dump(content: Any, flow: bool, width: int) -> str:
    yaml, stream = YAML(typ="safe"), StringIO()
    yaml.Representer = _Representer
    yaml.default_flow_style, yaml.width = flow, width
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(content, stream)
    return stream.getvalue()


class _Constructor(SafeConstructor):
    """A safe constructor whose every error has a position."""

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # an impossible date such as 2020-13-45
            problem = f"found {node.value}: {error}"
            raise ConstructorError(None, None, problem, node.start_mark) from error


class _Representer(SafeRepresenter):
    """A representer of numbers that YAML 1.1 reads, too."""

    def represent_float(self, data: float) -> ScalarNode:
        node: ScalarNode = super().represent_float(data)
        if "." not in node.value:
            node.value = node.value.replace("e", ".0e")
        return node


_Representer.add_representer(float, _Representer.represent_float)
