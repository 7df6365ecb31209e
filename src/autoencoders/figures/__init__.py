"""A trained variant's figures: one table says which there are, when they fit, how they are drawn.

A figure is a function of what is `Shown` and a row of `TABLE`. Its keyword-only arguments are keys
of `figures` in params.yaml. `plots` draws arrays, and knows nothing of variants.
"""

from typing import TYPE_CHECKING, Any

from autoencoders.components import Strict, settings
from autoencoders.figures.table import TABLE, Drawing

if TYPE_CHECKING:

    class Figures(Strict):
        """What the figures take from params.yaml; each key is an attribute."""

        def __getattr__(self, key: str) -> Any: ...

else:
    Figures = settings(
        "Figures",
        [drawing.draw for drawing in TABLE],
        "How much the figures show; params.yaml says what each key is.",
    )

__all__ = ["TABLE", "Drawing", "Figures"]
