"""Every public function that takes or returns arrays says which shapes they have."""

import ast
import re
from collections.abc import Iterator

import pytest

from autoencoders.dependencies import PACKAGE

ARRAYS = re.compile(r"\b(Tensor|ndarray|NDArray|Bytes|Floats|Images|Codes|Samples|Arrays|Pairs)\b")
SHAPE = re.compile(r"\(([\w·×*/+ ]+|…|\.\.\.),[^()]*\)|\bscalar|\ba single number|\bany shape")


def functions() -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Yield each public function: its place, itself, and the docstring of its class."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield place, node, ""
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        yield f"{place}:{node.name}", inner, ast.get_docstring(node) or ""


def takes_arrays(function: ast.FunctionDef) -> bool:
    """Return whether an argument or the result is annotated as an array."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    annotations = [argument.annotation for argument in arguments] + [function.returns]
    return any(ARRAYS.search(ast.unparse(node)) for node in annotations if node is not None)


def test_functions_on_arrays_document_shapes() -> None:
    silent = [
        f"{place}:{function.name}"
        for place, function, of_class in functions()
        if not function.name.startswith("_") and takes_arrays(function)
        if not SHAPE.search(of_class + (ast.get_docstring(function) or ""))
    ]
    assert silent == []


@pytest.mark.parametrize("text", ["images `(N, C, H, W)`", "of shape `(N,)`", "a scalar tensor"])
def test_a_shape_is_recognised(text: str) -> None:
    assert SHAPE.search(text)


@pytest.mark.parametrize("text", ["the images (all of them)", "features and labels", "f(x)"])
def test_a_text_without_a_shape_is_recognised(text: str) -> None:
    assert not SHAPE.search(text)
