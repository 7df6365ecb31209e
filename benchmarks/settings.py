"""The settings of the benchmark: losses to reach, quick trainings, and command-line options."""

from dataclasses import dataclass
from typing import Any

DATASET = "mnist"
VARIANTS = ("conv", "denoise", "superres", "vae", "aae")

# Number of epochs and final test loss of the tutorial settings, measured with a plain loop on the
# official images.
REFERENCE_EPOCHS = {"conv": 30, "denoise": 100, "superres": 30, "vae": 30, "aae": 30}
REFERENCE_LOSS = {
    "conv": 0.1016,
    "denoise": 0.1187,
    "superres": 0.1068,
    "vae": 37.72,
    "aae": 0.1378,
}

# Changes to the `training` of the default variants for time to quality; tuned on validation images.
QUICK: dict[str, dict[str, Any]] = {
    "conv": {"epochs": 1, "batch_size": 40},
    "denoise": {"epochs": 1, "batch_size": 48},
    "superres": {"epochs": 1, "batch_size": 48},
    "vae": {
        "epochs": 11,
        "optimizers": {"model": {"kind": "adam", "lr": 0.01}},
    },
    "aae": {
        "epochs": 1,
        "batch_size": 512,
        "optimizers": {
            "autoencoder": {"kind": "adam", "lr": 1e-3},
            "discriminator": {"kind": "adam", "lr": 5e-5},
            "generator": {"kind": "adam", "lr": 1e-4},
        },
        "threads": 2,
    },
}


@dataclass(frozen=True)
class Options:
    """Which variants the benchmark runs, and how much of them."""

    rounds: int = 3
    variants: tuple[str, ...] = VARIANTS
    images: int = 60_000  # at most this many of a split; growth takes a tenth to ten times of it
    epochs: int = 3  # of the trainer in one process, including the first one
