"""A repository with a sweep, and outcomes of its trials without trainings."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autoencoders import paths
from autoencoders.datasets.prepared import METADATA, METADATA_ADAPTER, Metadata
from autoencoders.studies.study import Choice, Domain, Grid, Integer, Outcome, Study, Uniform
from tests.saved import lay_out

SWEEP = """\
dataset: mnist
variant: vae
metric: validation_loss
samples: 12
space:
  training.optimizers.model.lr: {kind: log_uniform, low: 1.0e-4, high: 1.0e-1}
  training.ema_decay: {kind: uniform, low: 0.0, high: 0.9} # not in params.yaml
  training.epochs: {kind: choice, values: [3]}
  model.hidden: {kind: choice, values: [[64], [64, 32]]}
  model.latent_size: {kind: integer, low: 2, high: 4}
  objective.likelihood: {kind: choice, values: [gaussian, bernoulli]}
"""


def lay_out_sweep(folder: Path, title: str = "MNIST", text: str = SWEEP) -> Path:
    """Write params.yaml, the description of MNIST's images and a sweep; return the sweep's path."""
    lay_out(folder)
    metadata = Metadata("mnist", title, "official", (), (1, 28, 28), {}, sha256="0" * 64)
    prepared = folder / paths.prepared("mnist") / METADATA
    prepared.parent.mkdir(parents=True)
    prepared.write_bytes(METADATA_ADAPTER.dump_json(metadata))
    (folder / "sweeps").mkdir()
    (folder / "sweeps/lr.yaml").write_text(text, "utf-8")
    return Path("sweeps/lr.yaml")


def draw(domain: Domain, rng: random.Random) -> Any:
    match domain:
        case Choice(values) | Grid(values):
            return rng.choice(values)
        case Integer(low, high):
            return rng.randint(low, high)
        case Uniform(low, high):
            return rng.uniform(low, high)
    return math.exp(rng.uniform(math.log(domain.low), math.log(domain.high)))


def outcomes(
    study: Study, objective: Callable[[dict[str, Any]], float], epochs: int = 3
) -> list[Outcome]:
    """Return trials of random values; after the last epoch, their metric is the objective's.

    A trial fails if the objective raises a `ValueError`.
    """
    rng, results = random.Random(0), []
    for _ in range(study.samples):
        values = {key: draw(domain, rng) for key, domain in study.space.items()}
        try:
            last = objective(values)
        except ValueError as error:
            results.append(Outcome(values, error=str(error)))
            continue
        rows = [
            {"epoch": epoch, "validation_loss": 9 - epoch, study.metric: last + epochs - epoch}
            for epoch in range(1, epochs + 1)
        ]
        results.append(Outcome(values, rows, rows[-1], seconds=1.5))
    return results
