"""How good a trained network is, and what it must beat: a module for each question.

A question is a function of a `Subject`. Its keyword-only arguments are the keys of `evaluation` in
params.yaml; what it measures stands beside it in `METRICS`. `autoencoders check` reads the
signatures, so that nothing here imports torch.
"""

import math
from typing import TYPE_CHECKING, Any

from autoencoders.components import Strict, configured, settings
from autoencoders.errors import leave_out
from autoencoders.evaluation import bounds, codes, features, generation, image_quality, noise_sweep
from autoencoders.evaluation.metric import Answer, Metric
from autoencoders.evaluation.subject import Subject

# In the order of the tables; each module has a question, `measure`, and says what it measures.
MODULES = (image_quality, bounds, codes, generation, noise_sweep, features)

QUESTIONS = tuple(module.measure for module in MODULES)
OF_FEATURES: tuple[Metric, ...] = features.METRICS  # in a table of their own
METRICS: tuple[Metric, ...] = tuple(
    metric for module in MODULES if module is not features for metric in module.METRICS
)

if TYPE_CHECKING:

    class Evaluation(Strict):
        """What the questions take from params.yaml; each key is an attribute."""

        def __getattr__(self, key: str) -> Any: ...

else:
    Evaluation = settings(
        "Evaluation",
        (Subject, *QUESTIONS),
        "What variants are measured with; params.yaml says what each key is.",
    )


__all__ = [
    "METRICS",
    "OF_FEATURES",
    "QUESTIONS",
    "Evaluation",
    "Metric",
    "Subject",
    "answers",
]


def answers(subject: Subject, evaluation: Evaluation) -> Answer:
    """Ask every question; return all numbers, the yardsticks' under `yardsticks`.

    Those that are not finite are left out: JSON has none.
    """
    content: Answer = {}
    for question in QUESTIONS:
        answer = configured(question, evaluation)(subject)
        of_yardsticks = answer.pop("yardsticks", {})
        content |= _finite(answer)
        for name, numbers in of_yardsticks.items():
            content.setdefault("yardsticks", {}).setdefault(name, {}).update(_finite(numbers))
    return content


def _finite(answer: Answer) -> Answer:
    infinite = {k: v for k, v in answer.items() if isinstance(v, float) and not math.isfinite(v)}
    for name, value in infinite.items():
        leave_out(name, f"it comes to {value}")
    return {name: value for name, value in answer.items() if name not in infinite}
