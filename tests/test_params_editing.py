"""Single values of params.yaml change; all other characters stay."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from autoencoders import yaml12
from autoencoders.params.editing import with_value

SHIPPED = (Path(__file__).parents[1] / "params.yaml").read_text("utf-8")

BLOCK = """\
# before
model:
  hidden: # widths
    - 512 # the first
    - 256
  # between
  latent_size: 2 # latent
training:
  schedule: {}
  patience:
  optimizers: {model: {kind: adam,
    lr: 8.0e-3}}  # two lines
"""


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("model.latent_size", 8, "latent_size: 2 #", "latent_size: 8 #"),
        ("model.hidden", [64], "- 512 # the first\n    - 256\n", "[64]\n"),
        ("training.optimizers.model.lr", 1e-05, "8.0e-3", "1.0e-05"),
        ("training.optimizers.model.kind", "sgd", "adam", "sgd"),
        ("training.optimizers.model.eps", 1e-08, "8.0e-3}", "8.0e-3, eps: 1.0e-08}"),
        ("training.schedule.kind", "null", "{}", "{kind: 'null'}"),
        ("training.patience", 3, "patience:", "patience: 3"),
        ("training.a.b", None, "# two lines", "# two lines\n  a: {b: null}"),
        ("model.upsampling", "nearest", "# latent", "# latent\n  upsampling: nearest"),
        ("seed", 3, "# two lines", "# two lines\nseed: 3"),
    ],
)
def test_only_the_value_changes(key: str, value: Any, old: str, new: str) -> None:
    assert BLOCK.count(old) == 1
    after = with_value(BLOCK, key, value)
    assert after == BLOCK.replace(old, new)
    content: Any = YAML(typ="safe").load(after)  # the library that DVC uses
    assert content == yaml12.parse(after)
    for name in key.split("."):
        content = content[name]
    assert content == value


def test_a_value_of_the_shipped_params_changes_in_its_line() -> None:
    key = "variants.conv_vae.training.optimizers.model.lr"
    before, after = SHIPPED.splitlines(), with_value(SHIPPED, key, 0.02).splitlines()
    [(old, new)] = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert new == old.replace("lr: 0.015", "lr: 0.02")
