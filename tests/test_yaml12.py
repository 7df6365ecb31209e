import math
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import load_yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from autoencoders import yaml12
from autoencoders.errors import UserError

# Values as text and as Python objects in YAML 1.2, for DVC and the pipeline.
VALUES: dict[str, Any] = {
    **{"0.00005": 5e-5, "5e-05": 5e-5, "5.0e-05": 5e-5, "1E5": 1e5, "1e+5": 1e5},
    **{".5": 0.5, "5.": 5.0, "-0": 0, "-.inf": -math.inf, "1e400": math.inf, "1_000": 1000},
    **{"0o17": 15, "0x1F": 31, "017": 17, "+1": 1},
    **{"inf": "inf", "nan": "nan", "1:30": "1:30", "1e-3_0": "1e-3_0", "1 000": "1 000"},
    **{"yes": "yes", "no": "no", "on": "on", "off": "off", "True": True, "false": False},
    **{"null": None, "~": None, "Null": None, "": None, "2026-01-02": date(2026, 1, 2)},
    **{"'1e-5'": "1e-5", '"yes"': "yes", "é 😀": "é 😀", "[1, 1e1]": [1, 10.0]},
    **{"&a {b: &c [1], d: *c}": {"b": [1], "d": [1]}, "{1: a, 1e1: b}": {1: "a", 10.0: "b"}},
    **{"{<<: {b: 1, c: 2}, c: 3}": {"b": 1, "c": 3}},
}
FORMS = {
    "as it is": lambda text: text.encode(),
    "after a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "from Windows": lambda text: text.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values_equal_those_of_dvc(tmp_path: Path, text: str, value: Any) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"# a comment\nkey: {text}\n", "utf-8")
    value_read = yaml12.read(path)["key"]
    assert (value_read, type(value_read)) == (value, type(value))
    assert load_yaml(str(path))["key"] == value


def test_random_scalars_equal_those_of_ruamel() -> None:
    draw = random.Random(0)

    def read(text: str, parse: Callable[[str], Any]) -> str:
        try:
            return repr(parse(f"key: {text}\n"))
        except (ValueError, YAMLError):
            return "an error"

    for _ in range(3000):
        text = "".join(draw.choices("001289abefxoE.+-_:~ntrueFALSEyY =<# '", k=draw.randint(1, 7)))
        assert read(text, yaml12.parse) == read(text, YAML(typ="safe").load), text


@pytest.mark.parametrize("form", FORMS)
def test_byte_order_marks_and_line_ends_change_no_value(tmp_path: Path, form: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(FORMS[form]("seed: 1\nexperiment: a b\n"))
    assert yaml12.read(path) == load_yaml(str(path)) == {"seed": 1, "experiment": "a b"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: [1, 2\n", "is not YAML: line 3: did not find expected ',' or ']'"),
        (b"a:\n\tb: 1\n", "is not YAML: line 2: found a tab; indent with spaces"),
        (b"a: 1\nb: 2\na: 3\n", "is not YAML: line 3: found duplicate key"),
        (b"a: 1\nb: *c\n", "is not YAML: line 2: found undefined alias"),
        (b"a: 1\n---\nb: 2\n", "is not YAML: line 2: but found another document"),
        (b"a: 1\n{b: 1}: 2\n", "is not YAML: line 2: "),
        (b"a: 1\nb: !!python/name:os.system\n", "is not YAML: line 2: could not determine a cons"),
        (b"a: 1\nb: 2026-13-45\n", "is not YAML: line 2: found 2026-13-45: month must be"),
        (b"a: 1\nb: -_\n", "is not YAML: line 2: found -_: "),
        (b"a: 1\nb: \0\n", r"is not YAML: line 2: found the character '\x00'; delete it"),
        (
            "a: äöü\nb: \0\n\n".encode(),
            r"is not YAML: line 2: found the character '\x00'; delete it",
        ),
        (b"a: 1\n\xe9: 2\n", "is not UTF-8: line 2: found the byte 0xe9; save the file as UTF-8"),
        (
            "a: 1\n".encode("utf-16"),
            "is not UTF-8: line 1: found the byte 0xff; save the file as UTF-8",
        ),
    ],
)
def test_an_error_about_yaml_is_one_line_with_a_line_number(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        yaml12.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path} is not ")
    assert expected in message
    assert "\n" not in message


def test_dumped_values_are_read_back_by_both(tmp_path: Path) -> None:
    draw = random.Random(0)
    numbers = [draw.uniform(-1, 1) * 10 ** draw.randint(-30, 30) for _ in range(1000)]
    texts = ["1e5", "5e-05", "0o17", "null", "~", "", "a: b", "é", "two\nlines", "'", "x" * 300]
    content: dict[str, Any] = {
        "z": numbers,
        "a": texts,
        "none": None,
        "empty": [{}, []],
        "true": True,
    }
    text = yaml12.dump(content)
    (tmp_path / "record.yaml").write_text(text, "utf-8")
    assert yaml12.parse(text) == load_yaml(str(tmp_path / "record.yaml")) == content
    assert list(yaml12.parse(text)) == list(content)
    assert yaml12.dump({"lr": 5e-05}) == "lr: 5.0e-05\n"  # a number in YAML 1.1 too
