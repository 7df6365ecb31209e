"""`autoencoders add conv_tutorial`: copy example variants into params.yaml."""

import argparse
from collections.abc import Iterator

import yaml

from autoencoders import files, params, paths, yaml12
from autoencoders.commands import Parser
from autoencoders.errors import UserError, suggestion
from autoencoders.params.editing import last_part


def add_arguments(parser: Parser) -> None:
    """Add the arguments."""
    parser.add_argument("names", nargs="*", metavar="VARIANT", help="for example conv_tutorial")
    parser.add_argument("--list", action="store_true", help="list all examples")


def run(options: argparse.Namespace) -> Iterator[str]:
    """List the examples, or copy the named ones into params.yaml and yield the next step.

    Raises:
        UserError: a variant exists already, a name is no example, or params.yaml is not valid.
    """
    examples = {path.stem: path.read_text("utf-8") for path in paths.EXAMPLES.glob("*.yaml")}
    if options.list or not options.names:
        for name in sorted(examples):
            yield f"{name:20} {examples[name].splitlines()[0].removeprefix('# ')}"
        return
    names, existing = list(dict.fromkeys(options.names)), params.load().variants
    text = paths.PARAMS.read_text("utf-8")
    for name in names:
        if name in existing:
            raise UserError(f"VARIANT: {paths.PARAMS} already has {name!r}; rename one of the two")
        if name not in examples:
            raise UserError(f"VARIANT: found {name!r}{suggestion(name, sorted(examples))}")
        text = insert(text, examples[name])
    params.parse(yaml12.parse(text), str(paths.PARAMS))
    with files.atomic_file(paths.PARAMS) as temporary:
        temporary.write_text(text, "utf-8")
    yield (
        f"added to {paths.PARAMS}: {', '.join(names)}; to train them, add them to "
        f"variants_to_run or run `dvc exp run -S 'variants_to_run=[{','.join(names)}]'`"
    )


def insert(text: str, example: str) -> str:
    """Return the text of params.yaml with an example inserted after its last variant."""
    root = yaml.compose(text, yaml.CSafeLoader)
    assert isinstance(root, yaml.MappingNode)
    last = last_part(next(value for key, value in root.value if key.value == "variants"))
    lines, end = text.splitlines(keepends=True), last.end_mark.line + 1
    indented = [f"  {line}" for line in example.splitlines(keepends=True)]
    return "".join([*lines[:end], "\n", *indented, *lines[end:]])
