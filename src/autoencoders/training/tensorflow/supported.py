"""The parts of a variant that TensorFlow supports; this module does not import TensorFlow."""

from collections.abc import Collection
from importlib.util import find_spec
from typing import Any

from autoencoders.training.settings import Variant

INPUTS = ("clean", "noisy", "downsampled", "noisy_downsampled")
MODELS = ("conv_ae", "mlp_ae", "mlp_vae")
OBJECTIVES = ("reconstruction", "variational", "adversarial")
PRIORS = ("standard_normal",)
NEUTRAL = {"bound": "elbo", "samples": 1, "beta": 1.0, "free_bits": 0.0}  # of the objective
MODULES = ("tensorflow", "keras")  # of the optional dependency group `tensorflow`


def why_unsupported(variant: Variant) -> str | None:
    """Return why a variant cannot train under TensorFlow, or None if it can."""
    parts: list[tuple[str, Any, Collection[str]]] = [
        ("input", variant.input, INPUTS),
        ("model", variant.model, MODELS),
        ("objective", variant.objective, OBJECTIVES),
    ]
    if hasattr(variant.objective, "prior"):
        parts.append(("prior", variant.objective.prior, PRIORS))
    for part, chosen, allowed in parts:
        if chosen.kind not in allowed:
            return _unsupported(f"the {part} {chosen.kind}", allowed)
    for key, neutral in NEUTRAL.items():
        if (value := getattr(variant.objective, key, neutral)) != neutral:
            return _unsupported(f"objective.{key} {value}", [str(neutral)])
    if variant.training.ema_decay:
        return _unsupported(f"training.ema_decay {variant.training.ema_decay}", ["0.0"])
    return None


def installed() -> bool:
    """Return whether TensorFlow and Keras are installed."""
    return all(find_spec(module) for module in MODULES)


def _unsupported(setting: str, allowed: Collection[str]) -> str:
    return (
        f"training.framework: tensorflow does not support {setting}; "
        f"allowed: {', '.join(allowed)}, or framework: torch"
    )
