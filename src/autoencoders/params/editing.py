"""Changes of single values in the text of a YAML file; comments and layout stay."""

from typing import Any

import yaml
from yaml import CollectionNode, MappingNode, Node

from autoencoders import yaml12


def with_value(text: str, key: str, value: Any) -> str:
    """Return YAML text in which a dotted key has another value, or is new in its mapping."""
    node = yaml.compose(text, yaml.SafeLoader)
    names = key.split(".")
    for depth, name in enumerate(names):
        assert isinstance(node, MappingNode)
        child = next((child for found, child in node.value if found.value == name), None)
        if child is None:
            for parent in reversed(names[depth + 1 :]):
                value = {parent: value}
            return _with_entry(text, node, yaml12.in_one_line({name: value})[1:-1])
        node = child
    assert node is not None
    start, end = node.start_mark.index, last_part(node).end_mark.index
    space = " " if start == end else ""  # an empty value follows its colon at once
    return f"{text[:start]}{space}{yaml12.in_one_line(value)}{text[end:]}"


def _with_entry(text: str, mapping: MappingNode, entry: str) -> str:
    """Return the text with `name: value` at the end of a mapping."""
    if not mapping.value:
        return f"{text[: mapping.start_mark.index]}{{{entry}}}{text[mapping.end_mark.index :]}"
    end = last_part(mapping.value[-1][1]).end_mark.index
    if mapping.flow_style:
        return f"{text[:end]}, {entry}{text[end:]}"
    end = f"{text}\n".index("\n", end)  # after a comment
    return f"{text[:end]}\n{' ' * mapping.start_mark.column}{entry}{text[end:]}"


def last_part(node: Node) -> Node:
    """Return the last flow node or scalar in a node; a block's own end is after it."""
    while isinstance(node, CollectionNode) and not node.flow_style:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return node
