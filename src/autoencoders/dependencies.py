"""Which code decides a stage's bytes, for each variant by itself: lists of files that DVC compares.

In dvc.yaml a stage depends on its list in place of folders of code: what a variant's parts do not
import never runs the variant again, and what they import always does.
"""

import ast
import hashlib
from collections.abc import Iterator
from typing import Any, get_args

from autoencoders import files, paths, yaml12
from autoencoders.errors import UserError
from autoencoders.imports import Code
from autoencoders.keys import Framework
from autoencoders.pipeline import STAGES

# Of these count the entries that a variant in params.yaml names, each by a `kind`.
REGISTRIES = ("INPUTS", "MODELS", "OBJECTIVES", "PRIORS", "OPTIMIZERS", "SCHEDULES")
# What passes values on and decides no byte: params and files are dependencies themselves.
GLUE = {"components", "dependencies", "errors", "files", "imports", "keys", "params", "paths"}
GLUE |= {"pipeline", "progress", "running", "stages.common", "tracking", "yaml12"}
BESIDE = (".css", ".html", ".js")  # what a module may read that lies in its folder


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
            for variant in (content["variants"] if "variant" in stage.matrix else [""])
        }
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{paths.PARAMS} is not valid: `autoencoders check` says why") from None
    with files.atomic_directory(paths.SOURCES) as folder:
        for path, text in lists.items():
            target = folder / path.relative_to(paths.SOURCES)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")
    return len(lists)


def listing(stage: str, variant: str, content: Any, code: Code) -> str:
    """Return a line for each file that decides a stage's bytes: its path, the digest of its text.

    `content` is that of params.yaml; `variant` is "" where the stage has none.
    """
    reached = _reached(stage, variant, content, code)
    texts = {code.paths[module]: text for module, text in reached.items()}
    for folder in {path.parent for path in texts}:
        beside = [path for path in folder.iterdir() if path.suffix in BESIDE]
        texts |= {path: path.read_text("utf-8") for path in beside}
    digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}
    named = {path.relative_to(code.package.parent).as_posix(): path for path in texts}
    return "".join(f"{name} {digests[named[name]][:16]}\n" for name in sorted(named))


def _reached(stage: str, variant: str, content: Any, code: Code) -> dict[str, str]:
    if variant:
        parts = content["variants"][variant]
    elif stage == "report":
        parts = [content["variants"][name] for name in content["variants_to_run"]]
    else:
        parts = content["classifier"] if stage == "classify" else None
    used = {registry: set(_values(parts, "kind")) for registry in REGISTRIES}
    if stage == "evaluate" and "samplers" in content["evaluation"]:
        used["SAMPLERS"] = set(content["evaluation"]["samplers"])
    # What is for some variants alone has one of these words in its name.
    absent = set(get_args(Framework)) - set(_values(parts, "framework"))
    absent |= {paths.CLASSIFIER} if stage == "train" else set()

    def left_out(module: str) -> bool:
        words = module.split(".")[1:]
        return not GLUE.isdisjoint((*words[:1], ".".join(words))) or not absent.isdisjoint(words)

    start = f"{code.package.name}.stages.{stage}"
    found = code.reached(start, used, left_out)
    if stage == "train" and any(_perceives(node) for m in found for node in code.nodes(m)):
        absent.discard(paths.CLASSIFIER)
        found = code.reached(start, used, left_out) | _reached("classify", "", content, code)
    return found


def _perceives(node: ast.AST) -> bool:
    """Tell whether a constructor is given what the dataset's classifier perceives."""
    return (
        isinstance(node, ast.FunctionDef)
        and node.name == "__init__"
        and "perceive" in {argument.arg for argument in node.args.args}
    )


def _values(content: Any, key: str) -> Iterator[str]:
    """Yield all values of a key in nested mappings and lists."""
    if isinstance(content, dict):
        if key in content:
            yield content[key]
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from _values(part, key)
