"""The study `seeds`: train variants with several seeds on one split, and measure each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from autoencoders import find_weights, paths, yaml12
from autoencoders.datasets.prepared import load_metadata
from autoencoders.dependencies import Code
from autoencoders.errors import UserError
from autoencoders.evaluation import seed_results
from autoencoders.evaluation.intervals import Interval, interval, paired_difference
from autoencoders.evaluation.seed_results import SeedResults
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.stages.common import current_digests
from autoencoders.studies import trial
from autoencoders.studies.study import Grid, Machines, Outcome, Study, Values
from autoencoders.studies.trial import ITEM, SEED, Task
from autoencoders.tracking.provenance import fingerprint
from autoencoders.tracking.study import StudyRun, study_run
from autoencoders.training.history import Row

STAGE = "seeds"
PRINTED = ("psnr", "elbo", "frechet_prior")  # metrics in the lines of the command


def run(
    loaded: Params, variants: Sequence[tuple[str, str]], count: int, machines: Machines
) -> Iterator[str]:
    """Train pairs of a dataset and a variant with `count` seeds; the first is that of params.yaml.

    Seeds with results that are up to date are not trained again.

    Yields:
        A line for each pair, then the differences of two variants of one dataset.

    Raises:
        UserError: see `engine.run`; or the training of a seed has failed.
    """
    items = [Item(STAGE, *pair) for pair in variants]
    seeds = {*range(loaded.seed, loaded.seed + count)}
    code = Code()
    results = {item: _known(loaded, code, item) for item in items}
    if to_run := [item for item in items if not results[item].seeds.keys() >= seeds]:
        missing = {seed for seed in seeds for item in to_run if seed not in results[item].seeds}
        results |= _train(loaded, {item: results[item] for item in to_run}, missing, machines)
    for item in items:
        path = paths.seeds(item.dataset, item.variant)
        yield f"{_name(item)}: {_summary(_intervals(results[item]))} in {path}"
    if len(items) == 2 and items[0].dataset == items[1].dataset:
        yield from _differences(*results.values())


def _known(loaded: Params, code: Code, item: Item) -> SeedResults:
    """Return the results that are up to date, which may be none."""
    digests = current_digests(loaded, code, item.dataset, item.variant)
    metadata = load_metadata(paths.prepared(item.dataset))
    saved = seed_results.load(item.dataset, item.variant)
    if saved and not saved.changes(digests):
        return saved
    n_images = metadata.splits["test"].n_images
    return SeedResults(item.dataset, item.variant, metadata.source, n_images, digests, {})


def _train(
    loaded: Params, known: Mapping[Item, SeedResults], seeds: set[int], machines: Machines
) -> dict[Item, SeedResults]:
    """Train the seeds of each item; save and return their results together with the known ones.

    Raises:
        UserError: see `run`; the results of other seeds are saved.
    """
    from autoencoders.studies import engine  # optional, and slow to import

    digests = {_name(item): fingerprint(vars(known[item].digests)) for item in known}
    digest = fingerprint({"seeds": sorted(seeds), **digests})
    only, *others = known
    study = Study(
        f"{STAGE}-{digest[:16]}" if others else only.name,
        digest,
        {ITEM: Grid([*digests]), SEED: Grid(sorted(seeds))},
    )
    sources = {loaded.variants[item.variant].training.initial_weights for item in known}
    task = Task(
        yaml12.read(paths.PARAMS),
        {},
        split="test",
        initial_weights={name: find_weights.read(name) for name in sources if name},
    )
    datasets = {item.dataset: trial.share(item.dataset, with_judge=True) for item in known}
    with ExitStack() as stack:
        runs = {
            item: stack.enter_context(
                study_run(
                    item,
                    digest=digests[_name(item)],
                    params=loaded.variants[item.variant].model_dump(mode="json"),
                    experiment=loaded.experiment,
                )
            )
            for item in known
        }
        listener = _Listener(runs, len(known) * len(seeds))
        with engine.run(study, task, datasets, machines, listener) as outcomes:
            results = {item: _with(known[item], outcomes) for item in known}
            for item, tracked in runs.items():
                seed_results.save(results[item])
                tracked.log_intervals(_intervals(results[item]))
    for outcome in (outcome for outcome in outcomes if outcome.error):
        item, seed = _item(outcome.values), outcome.values[SEED]
        raise UserError(f"{_name(item)}, seed {seed}: {outcome.error}")
    return results


def _with(results: SeedResults, outcomes: Sequence[Outcome]) -> SeedResults:
    """Return an item's results with those of its trials that have succeeded."""
    item = Item(STAGE, results.dataset, results.variant)
    new = {
        outcome.values[SEED]: outcome.metrics
        for outcome in outcomes
        if _item(outcome.values) == item and not outcome.error
    }
    return replace(results, seeds={**results.seeds, **new})


class _Listener:
    """Logs each trial to the run of its variant, by its seed, and prints a line at its end."""

    def __init__(self, runs: Mapping[Item, StudyRun], trials: int) -> None:
        self.runs = runs
        self.trials = trials
        self.done = 0

    def epoch(self, trial: str, values: Values, row: Row) -> None:
        """Log an epoch."""
        self.runs[_item(values)].epoch(str(values[SEED]), values, row)

    def end(self, trial: str, outcome: Outcome) -> None:
        """Log the metrics of a trained seed."""
        item, seed = _item(outcome.values), outcome.values[SEED]
        self.runs[item].end(str(seed), outcome)
        self.done += 1
        numbers = [
            f"{name} {outcome.metrics[name]:.2f}" for name in PRINTED if name in outcome.metrics
        ]
        result = outcome.error or ", ".join(numbers)
        print(f"{self.done}/{self.trials}: {_name(item)}, seed {seed}: {result}", flush=True)


def _item(values: Values) -> Item:
    return Item(STAGE, *values[ITEM].split("/"))


def _name(item: Item) -> str:
    return f"{item.dataset}/{item.variant}"


def _intervals(results: SeedResults) -> dict[str, Interval]:
    """Return the interval of each metric that two seeds or more have."""
    intervals = {name: interval([*results.values(name).values()]) for name in results.metrics}
    return {name: value for name, value in intervals.items() if value}


def _summary(intervals: Mapping[str, Interval]) -> str:
    printed = {name: intervals[name] for name in PRINTED if name in intervals}
    return ", ".join(f"{name} {_text(value)}" for name, value in printed.items()) or "one seed"


def _text(value: Interval) -> str:
    return f"{value.mean:.2f} ± {value.half_width:.2f} (95 %, n = {value.n})"


def _differences(one: SeedResults, other: SeedResults) -> Iterator[str]:
    """Yield a line for each metric that both variants have: the difference, seed by seed."""
    for name in (name for name in one.metrics if name in other.metrics):
        if difference := paired_difference(one.values(name), other.values(name)):
            zero = "contains zero" if difference.contains_zero else "does not contain zero"
            yield (
                f"{name}, {one.variant} − {other.variant}: {difference.mean:.4g} ± "
                f"{difference.half_width:.2g}; the interval {zero}"
            )
