"""YAML as DVC reads it: version 1.2, by the same library, so that both find the same values.

What YAML 1.1 took for a number or for true (`1:30`, `yes`, `on`) is text, and `1e-5` a number.
"""

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter

from autoencoders import files
from autoencoders.errors import UserError

MANY = (
    1_000_000  # values in a file: ten lines with aliases can stand for more than any memory holds
)
DEEP = 5000  # brackets and dashes in a file from which on it may be nested too deeply for C


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
    # The parser in C is four times as fast, and crashes on what is nested ten thousands deep.
    deep = sum(text.count(opening) for opening in "[{-?") > DEEP
    yaml = YAML(typ="safe", pure=deep)
    yaml.Constructor = _Constructor
    try:
        return yaml.load(text)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    except YAMLError as error:
        line, problem = _what(error, text)
        raise ValueError(f"line {line}: {problem}") from None


def dump(content: Any) -> str:
    """Return plain content as YAML, in the order of its keys; the same content is the same text."""
    yaml = YAML(typ="safe")
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


class _Constructor(SafeConstructor):
    """One whose every complaint says where, that of a day such as 2020-13-45 too."""

    def construct_document(self, node: Node) -> Any:
        _require_few(node, {})
        return super().construct_document(node)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (YAMLError, RecursionError):
            raise
        except Exception as error:
            problem = f"found {node.value if isinstance(node, ScalarNode) else node.tag}: {error}"
            raise ConstructorError(None, None, problem, node.start_mark) from error


def _require_few(node: Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for, aliases counted each time that they are used.

    `known` are the counts of those already seen.
    """
    if isinstance(node, ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = MANY  # where it holds itself
        pairs = isinstance(node, MappingNode)
        parts = [part for pair in node.value for part in pair] if pairs else node.value
        known[id(node)] = 1 + sum(_require_few(part, known) for part in parts)
    if known[id(node)] > MANY:
        problem = f"its aliases make it more than {MANY} values"
        raise ConstructorError(None, None, problem, node.start_mark)
    return known[id(node)]


class _Representer(SafeRepresenter):
    """One that writes 5.0e-05, which readers of YAML 1.1 take for a number too."""

    def represent_float(self, data: float) -> ScalarNode:
        node: ScalarNode = super().represent_float(data)
        if "." not in node.value:
            node.value = node.value.replace("e", ".0e")
        return node


_Representer.add_representer(float, _Representer.represent_float)


def _what(error: YAMLError, text: str) -> tuple[int, str]:
    """Return the line, counted from 1, and what is wrong there."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        if text[mark.index : mark.index + 1] == "\t":
            return mark.line + 1, "found a tab: indent by spaces"
        return mark.line + 1, files.shortened(str(error.problem or error.context))
    assert isinstance(error, ReaderError)
    character = chr(error.character)
    return text.count("\n", 0, text.index(character)) + 1, f"found the character {character!r}"
