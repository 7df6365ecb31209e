"""What the README tells people to write must be true."""

from pathlib import Path

import yaml

from autoencoders import params

ROOT = Path(__file__).parents[1]


def test_the_variant_in_the_readme_is_valid_and_four_lines_long() -> None:
    block = (ROOT / "README.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    content = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    new = yaml.safe_load(block)
    content["variants"] |= new
    content["variants_to_run"] += list(new)
    assert params.parse(content, "README.md").variants_to_run[-1] == "denoising_vae"
    assert len(block.splitlines()) == 1 + 4
