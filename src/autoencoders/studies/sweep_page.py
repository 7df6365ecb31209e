"""The page of a sweep and its figures, in the style of the report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from autoencoders.figures import plots
from autoencoders.report.page import page_environment
from autoencoders.studies import sweep_figures
from autoencoders.studies.study import Outcome, Study, ranked

PAGE = "index.html"


def write(
    folder: Path, study: Study, outcomes: Sequence[Outcome], source: str, **texts: Any
) -> None:
    """Write the page and its figures into a folder.

    Args:
        folder: an existing folder.
        study: the study of the sweep.
        outcomes: the outcomes of all trials; at least one has succeeded.
        source: the source of the images.
        texts: further variables of the template: `name` of the sweep, `variant`, title of the
            `dataset`, and the `command` that reproduces the best trial.
    """
    trials = ranked(study, outcomes)
    figures: dict[str, tuple[str, Figure]] = {
        "parallel_coordinates": (
            "The values of each trial, from the best (orange, blue) to the worst (grey)",
            sweep_figures.parallel_coordinates(study, trials),
        ),
        "learning_curves": (
            "The metric over the epochs of each trial",
            sweep_figures.learning_curves(study, trials),
        ),
        "best_over_time": (
            "The metric of each trial in the order of their start, and the best value until then",
            sweep_figures.best_over_time(study, trials),
        ),
    }
    if shares := sweep_figures.importances(study, trials):
        figures["importance"] = (
            "Importance: the share of the metric's variance over the space that each key alone or "
            "with others explains (fANOVA, Hutter et al. 2014), estimated from these trials",
            sweep_figures.importance_bars(shares),
        )
    for name, (_, figure) in figures.items():
        plots.save(figure, folder / f"{name}.png", source)
    environment = page_environment()
    environment.filters.update(text=sweep_figures.as_text)
    template = Path(__file__).with_name("sweep.html").read_text("utf-8")
    page = environment.from_string(template).render(
        study=study,
        trials=trials,
        failed={n: trial for n, trial in enumerate(outcomes) if n not in trials},
        columns=sweep_figures.short_names(sweep_figures.varied(study)),
        pictures={f"{name}.png": caption for name, (caption, _) in figures.items()},
        stand_in=source == "stand-in",
        **texts,
    )
    (folder / PAGE).write_text(f"{page}\n", "utf-8")
