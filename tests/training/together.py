"""A script that trains three small variants, as a process of torchrun or as a single process.

It reads `images.pt` in the working folder, and writes weights and histories to
`<case>-<rank>-of-<processes>.pt`.
"""

from typing import Any

import torch

from autoencoders.training import parallel
from autoencoders.training.settings import Variant
from autoencoders.training.train import train

CPU = torch.device("cpu")
ADAM = {"kind": "adam", "lr": 2e-3}
MUON = {"kind": "muon", "lr": 0.02, "momentum": 0.9, "adam_lr": 2e-3}
CONV = {"encoder_channels": [4, 4], "decoder_channels": [4, 4], "upsampling": "transposed"}
STEPS = ("autoencoder", "discriminator", "generator")

CASES: dict[str, dict[str, Any]] = {
    "reconstruction": {
        "input": {"kind": "noisy", "mean": 0.5, "std": 0.3},
        "model": {"kind": "conv_ae", **CONV},
        "objective": {"kind": "reconstruction", "loss": "bce"},
        "training": {"optimizers": {"model": MUON}, "ema_decay": 0.9},
    },
    "variational": {
        "input": {"kind": "clean"},
        "model": {"kind": "mlp_vae", "hidden": [24], "latent_size": 3},
        "objective": {"kind": "variational", "likelihood": "gaussian"},
        "training": {"optimizers": {"model": ADAM}},
    },
    "adversarial": {
        "input": {"kind": "clean"},
        "model": {"kind": "mlp_ae", "hidden": [24], "latent_size": 3},
        "objective": {"kind": "adversarial", "discriminator_hidden": [16]},
        "training": {"optimizers": dict.fromkeys(STEPS, ADAM)},
    },
}
TRAINING = {
    "epochs": 3,
    "batch_size": 16,
    "schedule": {"kind": "one_cycle", "warmup": 0.3},
    "precision": "float32",
}


def main() -> None:
    torch.set_num_threads(1)
    images = torch.load("images.pt")
    with parallel.process_group(CPU) as processes:
        for name, case in CASES.items():
            content = case | {"training": TRAINING | case["training"]}
            variant = Variant.model_validate(content)
            trained = train(images[:75], images[75:], variant, 0, name=name, processes=processes)
            weights = trained.variant.networks.state_dict()
            target = f"{name}-{processes.rank}-of-{processes.count}.pt"
            torch.save({"weights": weights, "history": trained.history}, target)


if __name__ == "__main__":
    main()
