"""Tests of the figures with difficult inputs; the positions of all texts are measured."""

import io
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from autoencoders import decomposition
from autoencoders.figures import plots
from autoencoders.figures.latent_experiments import plane_directions
from autoencoders.figures.plots import style
from autoencoders.figures.plots.style import FRAME, MARGIN, Images

LONG = (
    "a very long name to test the wrapping of text, and with an unbreakableallinonepieceword in it"
)
DIGITS = [str(digit) for digit in range(10)]


def random_images(count: int, channels: int = 1, size: int = 28, seed: int = 0) -> Images:
    rng = np.random.default_rng(seed)
    return rng.random((count, channels, size, size), dtype=np.float32)


def history(epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    terms = ("loss", "reconstruction", "kl", "discriminator", "generator")
    curves = {f"{split}_{t}": 1 / epoch for t in terms for split in ("train", "validation")}
    return pd.DataFrame(
        {
            "epoch": epoch,
            **curves,
            "learning_rate": np.full(epochs, 5e-5),
            "gradient_norm": 10.0**-epoch,
            "images_per_second": np.full(epochs, 12345.0),
        }
    )


def codes(count: int, dimensions: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, dimensions))


def standard_normal(dimensions: int, count: int = 20_000) -> np.ndarray:
    """Return samples of a standard normal prior."""
    return np.random.default_rng(2).normal(size=(count, dimensions))


NAMES = [
    "_a",
    "$a_b$ and $x",
    "{x}%s",
    "中文",
    "שלום",
    "مرحبا",
    "🙂",
    "<b>&amp;",
    "\\$",
    " ",
    "a\udcff",
]


def code_distribution(codes: np.ndarray, prior: np.ndarray, title: str) -> Figure:
    """Draw codes in their principal plane."""
    return plots.code_distribution(codes, prior, plane_directions(codes), title)


AWKWARD: dict[str, Callable[[], Figure]] = {
    "rows, grey, captions, two sizes": lambda: plots.image_rows(
        [
            {
                "low 14×14": random_images(10, size=14),
                LONG: random_images(10),
                "original": random_images(10),
            }
        ],
        LONG,
        captions={LONG: ["19.5 dB"] * 10, "low 14×14": ["a caption wider than its image"] * 10},
    ),
    "rows, colour, one image": lambda: plots.image_rows([{"x": random_images(1, 3, 32)}], LONG),
    "rows, many images": lambda: plots.image_rows([{"input": random_images(40)}], "forty"),
    "errors, grey": lambda: plots.error_maps(random_images(10), random_images(10, seed=1), "a"),
    "errors, colour, one image": lambda: plots.error_maps(
        random_images(1, 3, 32), random_images(1, 3, 32, seed=1), LONG
    ),
    "errors, none": lambda: plots.error_maps(random_images(3), random_images(3), "equal"),
    "samples": lambda: plots.sample_grids({"": random_images(33, 3, 32)}, LONG),
    "grids of samples, short last rows": lambda: plots.sample_grids(
        {LONG: random_images(12, 3, 32), "a mixture": random_images(3, 3, 32)}, LONG
    ),
    "grids of one sample": lambda: plots.sample_grids(
        {LONG: random_images(1), "short": random_images(1)}, "one"
    ),
    "blocks of rows": lambda: plots.image_rows(
        [{"linear": random_images(10), LONG: random_images(10)}] * 2, LONG
    ),
    "a block of one image in colour": lambda: plots.image_rows(
        [{"linear": random_images(1, 3, 64)}], "one"
    ),
    "one sample": lambda: plots.sample_grids({"": random_images(1)}, "one"),
    "overview": lambda: plots.overview(
        random_images(6),
        [
            ("superres", random_images(6, size=14), random_images(6), "PSNR 18.9 dB"),
            (LONG, random_images(6), random_images(6), LONG),
        ],
        LONG,
    ),
    "overview of one image": lambda: plots.overview(
        random_images(1, 3, 32), [("a", random_images(1, 3, 8), random_images(1, 3, 32), "")], "one"
    ),
    "curves, 30 epochs": lambda: plots.training_curves(
        history(30), LONG, best_epoch=27, units={"loss": "nats per pixel", "kl": "nats per image"}
    ),
    "curves, one epoch": lambda: plots.training_curves(history(1), "one epoch", best_epoch=1),
    "curves, few panels": lambda: plots.training_curves(
        history(300)[["epoch", "train_loss", "learning_rate"]], LONG
    ),
    "noise curves": lambda: plots.noise_curves(
        [0.1, 0.3, 0.7],
        {name: [20.0, 10.0 + i, 1e-3] for i, name in enumerate(("a", LONG[:40], *"cdef"))},
        (0.3, 0.3),
        LONG,
    ),
    "noise curves, a range": lambda: plots.noise_curves(
        [0.1, 0.7], {"a": [20.0, 10.0]}, (0.0, 0.4), "blind"
    ),
    "noise curves, one level": lambda: plots.noise_curves([0.0], {"a": [20.0]}, (0.0, 0.0), "one"),
    "latent plane, principal components": lambda: plots.latent_plane(
        1e-3 * codes(500, 2),
        np.arange(500) % 3,
        list("abc"),
        LONG,
        (
            "first principal component, 35% of the variance",
            "second principal component, 15% of the variance",
        ),
    ),
    "latent plane": lambda: plots.latent_plane(
        np.concatenate([codes(10_000, 2), [[500.0, -1000.0]]]), np.arange(10_001) % 10, DIGITS, LONG
    ),
    "latent plane, long names": lambda: plots.latent_plane(
        codes(50, 2) * 1e4, np.arange(50) % 3, [LONG, "b", "c"], "plane", ("first unit", "second")
    ),
    "latent plane, names and a title of any kind": lambda: plots.latent_plane(
        codes(50, 2), np.arange(50) % len(NAMES), NAMES, "$5_{x} to $10 \n <b>&{}%s\\frac{1}{2}"
    ),
    "latent plane, names and a title without an end": lambda: plots.latent_plane(
        codes(50, 2), np.arange(50) % 10, [f"{i}" + 255 * "y" for i in range(10)], 500 * "Z"
    ),
    "latent plane, many classes": lambda: plots.latent_plane(
        codes(500, 2), np.arange(500) % 37, [f"species {i}" for i in range(37)], LONG
    ),
    "latent plane, one point": lambda: plots.latent_plane(
        np.zeros((1, 2)), np.zeros(1, int), DIGITS, "plane"
    ),
    "manifold": lambda: plots.manifold(
        random_images(25), np.linspace(-1234.5, 3, 5), np.linspace(-1e-3, 1e-3, 5), LONG
    ),
    "manifold, colour": lambda: plots.manifold(
        random_images(6, 3, 32), np.linspace(-2, 2, 3), np.linspace(-2, 2, 2), "colour"
    ),
    "codes": lambda: code_distribution(0.5 + 3 * codes(1000, 150), standard_normal(150), LONG),
    "codes, one dimension": lambda: code_distribution(codes(1000, 1), standard_normal(1), "one"),
    "codes, two dimensions": lambda: code_distribution(codes(1000, 2), standard_normal(2), "two"),
}


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("draw", AWKWARD.values(), ids=AWKWARD.keys())
def test_texts_are_inside_the_figure_and_do_not_overlap(
    draw: Callable[[], Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = record_texts(monkeypatch)
    figure = draw()
    figure.savefig(io.BytesIO(), format="rgba")
    boxes = [(text.get_text(), box) for text, box in drawn.items()]
    plots = [("plot", axes.get_window_extent()) for axes in figure.axes if axes.get_visible()]
    legends = [("legend", legend.get_window_extent()) for legend in figure.legends]

    assert boxes
    for text, box in boxes + legends:
        inside = figure.bbox.containsx(box.x0) and figure.bbox.containsx(box.x1)
        inside &= figure.bbox.containsy(box.y0) and figure.bbox.containsy(box.y1)
        assert inside, f"{text!r} at {box.extents} leaves the canvas {figure.bbox.size}"
    for (first, one), (second, other) in [
        *combinations(boxes, 2),
        *product(boxes, plots),
        *product(legends, plots),
    ]:
        assert not one.overlaps(other), f"{first!r} overlaps {second!r}"


def record_texts(monkeypatch: pytest.MonkeyPatch) -> dict[Text, Bbox]:
    """Return a dictionary that collects each drawn text with its bounding box in pixels."""
    drawn: dict[Text, Bbox] = {}
    draw = Text.draw

    def draw_and_record(self: Text, renderer: RendererBase) -> None:
        if self.get_visible() and self.get_text().strip():
            drawn[self] = self.get_window_extent()
        draw(self, renderer)

    monkeypatch.setattr(Text, "draw", draw_and_record)
    return drawn


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows, grey, captions, two sizes", "codes", "latent plane"])
def test_bytes_do_not_depend_on_user_settings(name: str, tmp_path: Path) -> None:
    plots.save(AWKWARD[name](), tmp_path / "one.png", "official")
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "figure.dpi": 50}):
        plots.save(AWKWARD[name](), tmp_path / "two.png", "official")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert set(Image.open(tmp_path / "one.png").info) <= {"dpi"}  # no date, no version


@pytest.mark.slow
def test_figures_of_stand_in_data_have_a_band_at_the_top(tmp_path: Path) -> None:
    figure = AWKWARD["samples"]()
    plots.save(figure, tmp_path / "official.png", "official")
    plots.save(figure, tmp_path / "stand-in.png", "stand-in")
    plain, marked = pixels(tmp_path / "official.png"), pixels(tmp_path / "stand-in.png")
    band = marked[: len(marked) - len(plain)]

    dark = (band.sum(axis=2) < 400).any(axis=0)
    assert 120 < np.flatnonzero(dark).max() - np.flatnonzero(dark).min() < band.shape[1]
    assert np.abs(marked[len(band) :] - plain).max() <= 64  # both may be reduced to 256 colours


@pytest.mark.slow
def test_names_are_drawn_literally_and_unprintable_letters_as_codes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn = record_texts(monkeypatch)
    names = [*NAMES[:9], " ", "a\tb\nc", "\u202ed", "\u200b", "e\udcff\x07", "f"]
    title = "$5_{x} to $10 \\frac{1}{2}"
    figure = plots.latent_plane(codes(150, 2), np.arange(150) % 10, names[:10], title)
    other = plots.latent_plane(codes(150, 2), np.arange(150) % 5, names[10:], title)
    for one in (figure, other):
        plots.save(one, tmp_path / "a.png", "folder")
    texts = {text.get_text() for text in drawn}
    assert {title, *NAMES[:9], "‘ ’", "a b\nc", "d", r"‘\u200b’", r"e\udcff\x07"} <= texts
    assert not any(text.get_parse_math() for text in drawn if "$" in text.get_text()[1:-3])


@pytest.mark.filterwarnings("error")
def test_letters_missing_in_the_font_come_from_another_or_give_one_warning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fonts = [font for font in fontManager.ttflist if font.name in (style.FAMILY, "STIXGeneral")]
    monkeypatch.setattr(fontManager, "ttflist", fonts)  # STIXGeneral comes with matplotlib
    for cached in (style._covering_fonts, style._warn_missing_letters):
        cached.cache_clear()
    assert style.font_families("plain, é, ж, א") == [style.FAMILY]
    assert style.font_families("ᶄ") == [style.FAMILY, "STIXGeneral"]
    assert capsys.readouterr().err == ""
    for name in ("\U0001fae8", "\U0001fae8\U0001fad0 \u1c50"):  # no font has these
        plots.save(plots.sample_grids({"": random_images(1)}, name), tmp_path / "a.png", "official")
    assert capsys.readouterr().err.count("\n") == 1


def test_text_of_the_band_is_stand_in_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn = record_texts(monkeypatch)
    plots.save(plots.sample_grids({"": random_images(1)}, ""), tmp_path / "a.png", "stand-in")
    assert [text.get_text() for text in drawn] == ["stand-in data"]


def test_image_pixels_are_drawn_as_blocks_of_equal_pixels(tmp_path: Path) -> None:
    images = random_images(1)
    plots.save(plots.sample_grids({"": images}, ""), tmp_path / "one.png", "official")
    factor, start = 5, MARGIN + 1  # 1 is the frame around the image
    shown = pixels(tmp_path / "one.png")[start:, start:][: 28 * factor, : 28 * factor, 0]
    levels = np.rint(images[0, 0] * 255)
    np.testing.assert_array_equal(shown, np.kron(levels, np.ones((factor, factor))))


@pytest.mark.slow
def test_figure_files_are_small(tmp_path: Path) -> None:
    smooth = np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(1, 1, 28, 28).repeat(100, axis=0)
    for name, figure in {
        "plane": AWKWARD["latent plane"](),
        "codes": AWKWARD["codes"](),
        "curves": AWKWARD["curves, 30 epochs"](),
        "samples": plots.sample_grids({"": smooth}, "samples"),
    }.items():
        plots.save(figure, tmp_path / f"{name}.png", "official")
        assert (tmp_path / f"{name}.png").stat().st_size < 160_000, name


def test_photographs_keep_their_colours_without_slow_quantization(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(Image.Image, "quantize")
    photograph = random_images(1, 3, 300)
    plots.save(plots.sample_grids({"": photograph}, ""), tmp_path / "a.png", "official")
    shown = pixels(tmp_path / "a.png")[MARGIN + 1 :, MARGIN + 1 :][:300, :300]
    np.testing.assert_array_equal(shown, np.rint(photograph[0].transpose(1, 2, 0) * 255))


def test_error_colours_are_symmetric_up_to_the_largest_error() -> None:
    originals = np.full((2, 3, 8, 8), 0.5, np.float32)
    reconstructions = originals.copy()
    reconstructions[0, :, 2, 3] = [0.0, 0.25, 0.5]  # the mean error is −0.25
    bar = plots.error_maps(originals, reconstructions, "errors").axes[-1]
    assert bar.get_xlim() == pytest.approx((-0.25, 0.25))
    assert bar.get_xlabel() == "reconstruction − original, mean over channels"


def test_training_curves_have_a_panel_per_term_and_none_for_throughput() -> None:
    table = history(3).assign(validation_generator=np.nan, train_elbo=np.nan)
    figure = plots.training_curves(table, "training", best_epoch=2, units={"kl": "nats"})
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}
    assert list(panels) == [
        *("loss", "reconstruction", "KL", "discriminator", "generator"),
        *("learning rate", "gradient norm"),
    ]
    assert [line.get_label() for line in panels["loss"].lines] == [
        *("train", "validation", "best epoch"),
    ]
    assert [line.get_label() for line in panels["generator"].lines] == ["train", "best epoch"]
    assert panels["KL"].get_ylabel() == "nats"
    assert panels["gradient norm"].get_yscale() == "log"
    assert list(np.asarray(panels["loss"].lines[0].get_ydata())) == [1, 1 / 2, 1 / 3]


def test_noise_curves_show_all_levels_and_the_training_noise() -> None:
    psnr = {"network": [20.0, 19.0, 15.0], "noisy input": [12.0, 9.0, 5.0]}
    (axes,) = plots.noise_curves([0.1, 0.3, 0.7], psnr, (0.3, 0.3), "noise").axes
    lines = {line.get_label(): line for line in axes.lines}
    for name, values in psnr.items():
        assert list(np.asarray(lines[name].get_xdata())) == [0.1, 0.3, 0.7]
        assert list(np.asarray(lines[name].get_ydata())) == values
    assert list(np.asarray(lines["training noise"].get_xdata())) == [0.3, 0.3]
    assert len({(line.get_color(), line.get_marker()) for line in axes.lines}) == 3


def test_range_of_training_noise_is_a_band() -> None:
    (axes,) = plots.noise_curves([0.1, 0.7], {"a": [20.0, 10.0]}, (0.0, 0.4), "blind").axes
    (band,) = axes.patches
    assert band.get_label() == "training noise"
    assert band.get_extents().transformed(axes.transData.inverted()).intervalx.tolist() == (
        pytest.approx([0.0, 0.4])
    )


def test_blocks_of_rows_have_space_between_them() -> None:
    row = random_images(2)
    tops = [
        axes.get_position().y1 * figure.bbox.height
        for figure in [plots.image_rows([{"a": row, "b": row}, {"a": row}], "")]
        for axes in figure.axes
    ]
    steps = -np.diff(tops)
    assert steps[1] > steps[0] + 20


def test_view_excludes_outliers_and_counts_them() -> None:
    points = np.concatenate([codes(1000, 2), [[500.0, 0.0], [0.0, -1000.0]]])
    axes = plots.latent_plane(points, np.zeros(1002, int), ["only"], "plane").axes[0]
    assert -10 < axes.get_xlim()[0] < axes.get_xlim()[1] < 10
    low, high = np.array([axes.get_xlim(), axes.get_ylim()]).T
    outside = ((points < low) | (points > high)).any(axis=1).sum()
    assert outside >= 2
    assert f"{outside} of 1,002 points lie outside the view" in axes.get_xlabel()


def test_only_the_ten_largest_classes_have_a_colour() -> None:
    sizes = [3, 9, *[5] * 9, 1]  # the first and the last are the smallest of twelve
    labels = np.repeat(np.arange(12), sizes)
    figure = plots.latent_plane(codes(58, 2), labels, [f"class {i}" for i in range(12)], "plane")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [*(f"class {i}" for i in range(1, 11)), "2 other classes"]
    (points,) = figure.axes[0].collections
    colours, counts = np.unique(points.get_facecolor(), axis=0, return_counts=True)
    assert sorted(counts) == [4, *[5] * 9, 9]
    assert to_rgba(FRAME) in [tuple(colour) for colour in colours[counts == 4]]


def test_wide_data_gives_a_low_figure() -> None:
    spread = codes(500, 2)
    round_plane, flat = (
        plots.latent_plane(spread * (width, 1), np.zeros(500, int), ["only"], "plane")
        for width in (1, 2)
    )
    assert flat.get_figheight() < 0.8 * round_plane.get_figheight()
    assert flat.get_figwidth() == round_plane.get_figwidth()


def test_manifold_axes_point_right_and_up() -> None:
    levels = np.linspace(0, 1, 6, dtype=np.float32)  # 2 rows of z2, 3 columns of z1
    images = np.ones((6, 1, 4, 4), np.float32) * levels[:, None, None, None]
    figure = plots.manifold(images, np.array([-1.0, 0, 1]), np.array([0.0, 1]), "manifold")
    picture = np.asarray(figure.axes[0].images[0].get_array())[..., 0] / 255
    assert picture[-1, 0] == pytest.approx(0.0)  # bottom left: (z1, z2) = (−1, 0)
    assert picture[-1, -1] == pytest.approx(0.4)  # bottom right: (1, 0)
    assert picture[0, 0] == pytest.approx(0.6)  # top left: (−1, 1)
    ticks = dict(
        zip(
            (t.get_text() for t in figure.axes[0].get_xticklabels()),
            figure.axes[0].get_xticks(),
            strict=True,
        )
    )
    assert ticks["−1"] == 0.5  # the middle of the first tile
    assert ticks["0"] == 1.5


def test_share_of_codes_in_the_circles_of_the_prior() -> None:
    # Half of the prior is within √(2 ln 2) = 1.177 of the origin, 95 % within 2.448.
    ring = np.stack([np.cos(np.arange(100)), np.sin(np.arange(100))], axis=1)
    rings, prior = np.concatenate([1.1 * ring, 2 * ring]), standard_normal(2, 200_000)
    plane = code_distribution(rings, prior, "codes").axes[3]
    assert "50% of codes in the prior's 50% circle" in plane.get_xlabel()
    assert "100% of codes in the prior's 95% circle" in plane.get_xlabel()
    # The circles of a prior that is twice as wide are twice as large.
    plane = code_distribution(rings, 2 * prior, "codes").axes[3]
    assert "100% of codes in the prior's 50% circle" in plane.get_xlabel()


def test_plane_of_large_codes_needs_no_covariance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def plane() -> np.ndarray:
        axes = code_distribution(spread, standard_normal(12), "codes").axes[3]
        return np.asarray(axes.collections[0].get_offsets())

    spread = codes(500, 12) * np.linspace(1, 5, 12, dtype=np.float32) ** 2
    exact = plane()
    monkeypatch.setattr(decomposition, "MAX_EXACT_DIMENSIONS", 4)
    np.testing.assert_allclose(plane(), exact, atol=0.05)


def test_histogram_of_codes_is_a_density() -> None:
    pooled = code_distribution(codes(2000, 5), standard_normal(5), "codes").axes[0]
    heights, edges, _ = pooled.patches[0].get_data()  # type: ignore[attr-defined]
    assert (heights * np.diff(edges)).sum() == pytest.approx(1, abs=2e-3)
    assert pooled.get_xlabel().startswith("code entry\nmean ")
