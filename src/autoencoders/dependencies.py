"""Which code decides a stage's bytes, for each variant by itself: lists of files that DVC compares.

In dvc.yaml a stage depends on its list in place of folders of code: what a variant's parts do not
import never runs the variant again, and what they import always does.
"""

import ast
import hashlib
import re
from typing import Any, get_args

from autoencoders import files, paths, yaml12
from autoencoders.errors import UserError
from autoencoders.imports import Code
from autoencoders.keys import Framework
from autoencoders.pipeline import STAGES

# Of these count the entries that a variant names in params.yaml.
REGISTRIES = ("INPUTS", "MODELS", "OBJECTIVES", "PRIORS", "OPTIMIZERS", "SCHEDULES")
# What passes values on and decides no byte: params and files are dependencies themselves.
GLUE = {"components", "dependencies", "errors", "files", "imports", "keys", "params", "paths"}
GLUE |= {"pipeline", "progress", "running", "stages.common", "tracking", "yaml12"}


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
            for variant in (dict(content["variants"]) if "variant" in stage.matrix else [""])
        }
    except (KeyError, TypeError, ValueError):
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
    lines = [
        f"{code.paths[module].relative_to(code.package.parent).as_posix()} {_sha256(text)[:16]}\n"
        for module, text in _reached(stage, variant, content, code).items()
    ]
    return "".join(sorted(lines))


def code_sha256(stage: str, variant: str) -> str:
    """Return the digest of a stage's list, of the code as it lies there now."""
    return _sha256(listing(stage, variant, yaml12.read(paths.PARAMS), Code()))


def _reached(stage: str, variant: str, content: Any, code: Code) -> dict[str, str]:
    if stage == "classify":
        words = _words(content["classifier"])
    else:
        names = content["variants_to_run"] if stage == "report" else [variant] if variant else []
        words = _words([content["variants"][name] for name in names])
    used = dict.fromkeys(REGISTRIES, words)
    if stage == "evaluate" and "samplers" in content["evaluation"]:
        used["SAMPLERS"] = _words(content["evaluation"]["samplers"])
    # What is for some variants alone has one of these words in its name.
    absent = {*get_args(Framework)} - words
    absent |= {paths.CLASSIFIER} if stage == "train" else set()

    def left_out(module: str) -> bool:
        steps = module.split(".")[1:]
        return not GLUE.isdisjoint((*steps[:1], ".".join(steps))) or not absent.isdisjoint(steps)

    start = f"{code.package.name}.stages.{stage}"
    found = code.reached(start, used, left_out)
    if stage == "train" and any(_perceives(node) for m in found for node in code.nodes(m)):
        absent.discard(paths.CLASSIFIER)
        found = code.reached(start, used, left_out) | _reached("classify", "", content, code)
    return found


def _words(content: Any) -> set[str]:
    """Return all names in a part of params.yaml, those of registries' entries among them."""
    return set(re.findall(r"\w+", str(content)))


def _perceives(node: ast.AST) -> bool:
    """Tell whether a constructor is given what the dataset's classifier perceives."""
    constructs = isinstance(node, ast.FunctionDef) and node.name == "__init__"
    return constructs and any(
        isinstance(n, ast.arg) and n.arg == "perceive" for n in ast.walk(node)
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
