"""A sweep's results: files, page, the command for the best trial, and params.yaml."""

import csv
import io
import json
import math
import shlex
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from autoencoders import params, paths
from autoencoders.errors import UserError
from autoencoders.params.editing import with_value
from autoencoders.studies import sweep, sweep_page
from autoencoders.studies.study import Choice, Domain, Outcome, Study, Uniform, ranked
from autoencoders.studies.sweep_file import with_values
from autoencoders.training.settings import Variant
from tests.figures.test_plots import record_texts
from tests.report.test_page import Page
from tests.studies.examples import SWEEP, lay_out_sweep, outcomes

LR, HIDDEN = "training.optimizers.model.lr", "model.hidden"


def objective(values: dict[str, Any]) -> float:
    """Return a value that is lowest for a learning rate of 0.01; the largest ones fail."""
    if values[LR] > 0.02:
        raise ValueError("the loss <explodes>")
    return 30 + (math.log10(values[LR]) + 2) ** 2


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sweep.Sweep:
    """Change to a repository with a sweep, whose page is not drawn, and return it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep_page, "write", lambda *arguments, **texts: None)
    return sweep.load(lay_out_sweep(tmp_path))


def changed(content: params.Params, values: dict[str, Any]) -> Variant:
    return Variant.model_validate(with_values(content.variants["vae"], values))


def test_the_best_trial_has_the_lowest_metric_and_failures_have_none(example: sweep.Sweep) -> None:
    results = outcomes(example.study, objective)
    best = sweep.write(example, results).best
    with (example.folder / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["error"] for row in rows] == [result.error for result in results]
    failed = [row for row in rows if row["error"]]
    assert 0 < len(failed) < len(rows)
    assert {row["validation_loss"] for row in failed} == {""}
    winner = min(rows, key=lambda row: float(row["validation_loss"] or "inf"))
    assert float(winner[LR]) == best[LR]
    assert json.loads(winner[HIDDEN]) == best[HIDDEN]
    assert abs(math.log10(best[LR]) + 2) == min(
        abs(math.log10(r.values[LR]) + 2) for r in results if not r.error
    )


def test_higher_values_can_be_better(example: sweep.Sweep) -> None:
    study = example.study
    maximized = Study("a", "", study.space, metric=study.metric, lower_is_better=False)
    results = [Outcome({}, metrics={study.metric: value}) for value in (1, 3, math.nan, 2)]
    assert [*ranked(maximized, results)] == [1, 3, 0]
    assert [*ranked(study, results)] == [0, 3, 1]


def test_the_command_gives_params_with_the_best_values(example: sweep.Sweep) -> None:
    best = sweep.write(example, outcomes(example.study, objective)).best
    command = shlex.split(sweep.command(example, best))
    assert command[:3] == ["dvc", "exp", "run"]
    overrides = command[4::2]
    assert set(command[3::2]) == {"-S"}
    before, [single] = params.load(), get_hydra_sweeps({"params.yaml": overrides})
    shutil.copy(paths.PARAMS, "other.yaml")
    apply_overrides("other.yaml", single["params.yaml"])  # as `dvc exp run` does
    after = params.load(Path("other.yaml"))
    assert after.variants["vae"] == changed(before, best)
    assert after.variants["vae"].training.ema_decay == best["training.ema_decay"]
    assert after.model_copy(update={"variants": before.variants}) == before


def test_the_command_runs_a_variant_that_does_not_run_by_default(example: sweep.Sweep) -> None:
    loaded = example.params.model_copy(update={"variants_to_run": ["conv"]})
    other = sweep.Sweep(example.path, example.file, loaded)
    assert sweep.command(other, {}) == "dvc exp run -S 'variants_to_run=[\"vae\"]'"


def test_written_params_differ_in_these_values_only(example: sweep.Sweep) -> None:
    best = sweep.write(example, outcomes(example.study, objective)).best
    before, text = params.load(), paths.PARAMS.read_text("utf-8")
    sweep.write_params(example, best)
    after = params.load()
    assert after == before.model_copy(
        update={"variants": {**before.variants, "vae": changed(before, best)}}
    )
    pairs = zip(text.splitlines(), paths.PARAMS.read_text("utf-8").splitlines(), strict=True)
    assert sum(one != other for one, other in pairs) == 3
    assert sweep.finished(sweep.load(example.path))  # with the written params


def test_a_finished_sweep_is_known_until_something_changes(example: sweep.Sweep) -> None:
    assert sweep.finished(example) is None
    record = sweep.write(example, outcomes(example.study, objective))
    example.path.write_text(f"# a comment\n{SWEEP}", "utf-8")
    assert sweep.finished(sweep.load(example.path)) == record
    example.path.write_text(SWEEP.replace("low: 2", "low: 3"), "utf-8")
    with pytest.raises(UserError) as caught:
        sweep.finished(sweep.load(example.path))
    assert str(caught.value) == (
        "sweeps/lr.yaml: changed since reports/sweeps/lr was written; give the file of the sweep "
        "a new name, or delete reports/sweeps/lr to run the sweep again"
    )


@pytest.mark.parametrize("key", ["seed", "variants.vae.training.batch_size"])
def test_a_change_of_params_outside_the_space_is_named(example: sweep.Sweep, key: str) -> None:
    sweep.write(example, outcomes(example.study, objective))
    paths.PARAMS.write_text(with_value(paths.PARAMS.read_text("utf-8"), key, 100), "utf-8")
    with pytest.raises(UserError, match=r"^params\.yaml: changed since reports/sweeps/lr was"):
        sweep.finished(sweep.load(example.path))


def test_a_sweep_depends_on_the_content_of_initial_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "start.safetensors"
    line = f"  training.initial_weights: {{kind: choice, values: [{name}, null]}}\n"
    path = lay_out_sweep(tmp_path, text=SWEEP + line)
    digests = []
    for content in (b"old", b"new"):
        Path(name).write_bytes(content)
        assert sweep.load(path).initial_weights == {name: content}
        digests.append(sweep.load(path).digests)
    changed = [key for key, value in digests[0].items() if digests[1][key] != value]
    assert changed == [f"the weights of {name}"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"best": {}}', b"\xff"])
def test_a_damaged_result_is_one_line(example: sweep.Sweep, content: bytes) -> None:
    sweep.write(example, outcomes(example.study, objective))
    (example.folder / "study.json").write_bytes(content)
    with pytest.raises(UserError) as caught:
        sweep.finished(example)
    [line] = str(caught.value).splitlines()
    assert line.startswith("reports/sweeps/lr/study.json is unreadable (")
    assert line.endswith("delete reports/sweeps/lr to run the sweep again")


def test_a_sweep_without_a_success_gives_the_reasons_and_writes_nothing(
    example: sweep.Sweep,
) -> None:
    results = [Outcome({}, error=reason) for reason in ("too big", "too small", "too big")]
    with pytest.raises(UserError) as caught:
        sweep.write(example, results)
    assert str(caught.value) == "sweeps/lr.yaml: all trials failed (3): too big; too small"
    assert not example.folder.exists()


@pytest.mark.slow
def test_the_page_lists_all_trials_and_names_are_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    example = sweep.load(lay_out_sweep(tmp_path, title="<b>M&M</b>"))
    results = outcomes(example.study, objective)
    best = sweep.write(example, results).best
    html = (example.folder / "index.html").read_text("utf-8")
    page = Page(html)
    metrics = [float(cells[0].removesuffix("[best]")) for cells in page.table().values()]
    assert metrics == sorted(metrics)
    assert len(metrics) == sum(not result.error for result in results)
    assert sorted(page.table(), key=int) == [
        str(number) for number, result in enumerate(results) if not result.error
    ]
    assert [item.split(" (")[0] for item in page.all("li")] == [
        f"{number}: the loss <explodes>" for number, result in enumerate(results) if result.error
    ]
    assert "<b>" not in html
    assert sweep.command(example, best) in page.all("code")
    assert "training.epochs" in page.all("code")  # has one value, so it is no column
    columns = ["ema_decay", "hidden", "latent_size", "likelihood", "lr"]
    assert sorted(page.all("th", scope="col"))[2:-2] == columns
    pictures = page.attributes("img", "src")
    assert {path.name for path in example.folder.glob("*.png")} == set(pictures)


def check_texts(figure: Figure, drawn: dict[Text, Bbox]) -> None:
    """Check that the drawn texts of a figure do not overlap and are not cut at its edge."""
    drawn.clear()
    figure.savefig(io.BytesIO(), format="rgba")
    assert drawn
    for text, box in drawn.items():
        assert figure.bbox.count_contains(box.corners()) == 4, f"{text} leaves the canvas"
    for one, other in combinations(drawn, 2):
        assert not drawn[one].overlaps(drawn[other]), f"{one} overlaps {other}"


@pytest.mark.slow
@pytest.mark.parametrize("trials", [1, 2, 40])
def test_figures_of_any_number_of_trials_cut_no_text(
    example: sweep.Sweep, trials: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    space: dict[str, Domain] = {
        **example.study.space,
        "training.optimizers.discriminator.weight_decay": Uniform(0, 1e-5),
        "model.encoder_channels": Choice([[16, 32, 64, 128, 256, 512], [1, 2, 3]]),
    }
    study = Study("a", "", space, samples=trials, metric="validation_reconstruction")
    ranking = ranked(study, outcomes(study, lambda values: 30 * values[LR] ** -0.5))
    assert len(ranking) == trials
    drawn = record_texts(monkeypatch)
    for draw in (
        sweep_page.parallel_coordinates,
        sweep_page.learning_curves,
        sweep_page.best_over_time,
    ):
        check_texts(draw(study, ranking), drawn)
    shares = {"training.optimizers.model.lr": 1.0, "training.optimizers.discriminator.lr": 0.0}
    check_texts(sweep_page.importance_bars(shares), drawn)


def test_best_over_time_is_the_lowest_value_until_each_trial() -> None:
    study = Study("a", "", {}, metric="m")
    results = [Outcome({}, metrics={"m": value}) for value in (3, 5, 2, 4, 1)]
    figure = sweep_page.best_over_time(study, ranked(study, results))
    points, line = figure.axes[0].lines
    assert np.asarray(points.get_ydata()).tolist() == [3, 5, 2, 4, 1]
    assert np.asarray(line.get_ydata()).tolist() == [3, 3, 2, 2, 1]


def test_short_names_are_as_short_as_possible() -> None:
    keys = ["training.optimizers.a.lr", "training.optimizers.b.lr", "model.kind", "epochs"]
    assert [*sweep_page.short_names(keys).values()] == ["a.lr", "b.lr", "kind", "epochs"]


@pytest.mark.slow
def test_importance_is_the_share_of_the_variance() -> None:
    pytest.importorskip("optuna")
    unit, one, two = Uniform(0, 1), Choice([1]), Choice([[1], [2]])
    space: dict[str, Domain] = {"a.x": unit, "a.y": unit, "a.z": two, "one": one}
    study = Study("a", "", space, samples=400, metric="m")
    results = outcomes(study, lambda values: 3 * values["a.x"] + values["a.y"], epochs=1)
    shares = sweep_page.importances(study, ranked(study, results))
    # The variance of a sum of independent terms is the sum of their variances: 9 to 1.
    assert shares == pytest.approx({"a.x": 0.9, "a.y": 0.1, "a.z": 0.0}, abs=0.05)


def test_equal_metrics_have_no_importance() -> None:
    study = Study("a", "", {"x": Uniform(0, 1)}, samples=4, metric="m")
    assert sweep_page.importances(study, ranked(study, outcomes(study, lambda _: 1.0))) == {}
