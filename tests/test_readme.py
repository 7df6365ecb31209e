"""What the README tells people to write must be true."""

from pathlib import Path

import yaml

from autoencoders import params

ROOT = Path(__file__).parents[1]


def blocks() -> list[str]:
    parts = (ROOT / "README.md").read_text("utf-8").split("```yaml\n")[1:]
    return [part.split("```")[0] for part in parts]


def test_the_variant_in_the_readme_is_valid_and_four_lines_long() -> None:
    block = blocks()[0]
    content = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    new = yaml.safe_load(block)
    content["variants"] |= new
    content["variants_to_run"] += list(new)
    assert params.parse(content, "README.md").variants_to_run[-1] == "denoising_vae"
    assert len(block.splitlines()) == 1 + 4


def test_the_folder_of_images_in_the_readme_is_a_dataset_that_every_default_variant_fits() -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    content["data"] |= yaml.safe_load(blocks()[1])
    content["datasets_to_run"] = ["birds"]
    parsed = params.parse(content, "README.md")
    assert params.image_shapes(parsed)["birds"] == (3, 64, 64)
