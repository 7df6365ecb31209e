"""What is measured: what is to be reached, the quick settings, and the command line's."""

from dataclasses import dataclass
from typing import Any

DATASET = "mnist"
VARIANTS = ("conv", "denoise", "superres", "vae", "aae")

# The tutorial settings, measured with a plain loop on the official images: for how many epochs they
# train, and the test loss that they end with.
REFERENCE_EPOCHS = {"conv": 30, "denoise": 100, "superres": 30, "vae": 30, "aae": 30}
REFERENCE_LOSS = {
    "conv": 0.1016,
    "denoise": 0.1187,
    "superres": 0.1068,
    "vae": 37.72,
    "aae": 0.1378,
}

# What time to quality changes in each default variant's `training`; tuned on validation images.
QUICK: dict[str, dict[str, Any]] = {
    "conv": {"epochs": 1, "batch_size": 40},
    "denoise": {"epochs": 1, "batch_size": 48},
    "superres": {"epochs": 1, "batch_size": 48},
    "vae": {
        "epochs": 11,
        "optimizers": {"model": {"kind": "adam", "lr": 0.01}},
    },
    "aae": {"epochs": 1, "batch_size": 512},
}


@dataclass(frozen=True)
class Options:
    """What of the benchmark to run, and how much."""

    rounds: int = 3
    variants: tuple[str, ...] = VARIANTS
    images: int = 60_000  # at most so many of a split; growth takes a tenth to ten times as many
    epochs: int = 3  # of ours in a process, the first one counted in
