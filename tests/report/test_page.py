"""Tests of the report page's HTML, read by an HTML parser."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from autoencoders.evaluation.intervals import Interval
from autoencoders.figures.section import FigureFile, LatentPlane, Sheet
from autoencoders.report.metrics import Metric
from autoencoders.report.over_seeds import interval_text
from autoencoders.report.page import render
from tests.report.example_results import dataset, over_seeds, variant

VOID = {"meta", "img", "link", "br"}
SVG = "http://www.w3.org/2000/svg"  # the name of an XML namespace; nothing is downloaded from it


class Page(HTMLParser):
    """The elements of a page with attributes and text, in order; checks that tags are closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, dict(attrs), list[str]())
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, texts in self.open:
            texts.append(data)

    def all(self, tag: str, **attributes: str) -> list[str]:
        """Return the texts of the elements with these attributes, with single spaces."""
        required = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            " ".join("".join(texts).split())
            for name, found, texts in self.elements
            if name == tag and required.items() <= found.items()
        ]

    def attributes(self, tag: str, attribute: str) -> list[str]:
        values = (found.get(attribute) for name, found, _ in self.elements if name == tag)
        return [value for value in values if value is not None]

    def table(self) -> dict[str, list[str]]:
        """Return row name → cells of all tables, each cell with its class in brackets."""
        rows: dict[str, list[str]] = {}
        for tag, attributes, texts in self.elements:
            text = "".join(texts).strip()
            if tag == "th" and attributes.get("scope") == "row":
                rows[text] = cells = []
            elif tag == "td":
                mark = f"[{attributes['class']}]" if "class" in attributes else ""
                cells.append(re.sub(r"[★▲] | best$| better than the network$", "", text) + mark)
        return rows


SMALL = dataset(
    variant(
        "conv",
        {"mse": 0.0134, "psnr": 19.5, "kl": 1.0},
        yardsticks={
            "mean_image": {"mse": 0.0673, "psnr": 11.9},
            "pca_128": {"mse": 0.0049, "psnr": 19.5},
        },
    ),
    variant("vae", {"mse": 0.01340001, "psnr": math.nan, "kl": 4.67, "elbo": -37.72}),
    variant("aae", {"mse": 0.0254, "psnr": 21.0}, yardsticks={"nan": {"mse": math.nan}}),
)

PLANE = LatentPlane(
    z1=(-1, 1),
    z2=(-2, 2),
    size=(3, 3),
    decoded=Sheet("planes/a b.png", 2, 1),
    originals=Sheet("planes/originals.png", 1, 1),
    points=[(0.25, 0.5, 0, 0)],
    classes=["cat"],
    colours=["#3f90da"],
    legend=[],
)


def test_best_networks_and_better_yardsticks_are_marked() -> None:
    # Columns: mse (lower is better), psnr (higher), elbo (one network), kl (no direction).
    assert Page(render([SMALL])).table() == {
        "conv": ["0.0134[best]", "19.50", "–", "1.00"],
        "mean image": ["0.0673", "11.90", "–", "–"],
        "pca 128": ["0.0049[beats]", "19.50", "–", "–"],  # an equal value is not better
        "vae": ["0.0134[best]", "nan", "−37.72", "4.67"],  # equal when printed; NaN is never best
        "aae": ["0.0254", "21.00[best]", "–", "–"],
        "nan": ["nan", "–", "–", "–"],
    }


def test_columns_have_units_and_directions() -> None:
    assert Page(render([SMALL])).all("th", scope="col") == [
        *("variant", "MSE ↓", "PSNR ↑dB", "ELBO ↑nats/image", "KL divergencenats/image"),
    ]


def test_undocumented_metrics_have_no_direction() -> None:
    page = Page(render([dataset(variant("a", {"sharpness": 0.9}), variant("b", {"mse": 1}))]))
    assert page.all("th", scope="col") == ["variant", "MSE ↓", "sharpness"]
    assert page.table() == {"a": ["–", "0.9000"], "b": ["1.0000", "–"]}


def test_feature_metrics_have_their_own_table_with_yardsticks() -> None:
    feature_metrics = {
        "probe_accuracy": 0.91,
        "probe_accuracy_100": 0.7,
        "probe_accuracy_1000": 0.8,
    }
    feature_metrics |= {"probe_accuracy_100_std": 0.02}
    section = variant(
        "conv",
        {"mse": 0.01, **feature_metrics, "neighbour_disagreement": 0.05},
        yardsticks={
            "mean_image": {"mse": 0.07},
            "pca": {"mse": 0.02, **feature_metrics, "probe_accuracy_100": 0.75},
        },
    )
    page = Page(render([dataset(section)]))
    assert page.all("th", scope="col") == [
        *("variant", "MSE ↓"),
        *("variant", "linear probe accuracy ↑", "linear probe accuracy (1,000 labels) ↑"),
        *("linear probe accuracy (100 labels) ↑", "nearest-neighbour error ↓"),
    ]
    assert page.all("th", scope="row") == ["conv", "mean image", "pca", "conv", "pca"]
    assert page.table() | {"mean image": []} == {
        "conv": ["0.9100", "0.8000", "0.7000 ± 0.0200", "0.0500"],
        "mean image": [],
        "pca": ["0.9100", "0.8000", "0.7500 ± 0.0200[beats]", "–"],
    }
    assert page.all("h3")[:2] == [
        "Reconstruction and generation",
        "Classification from the latents",
    ]
    assert "conv is worse than pca on linear probe accuracy (100 labels)" in page.all("li")
    assert (
        "linear probe accuracy with only 100 labelled training images; mean ± standard deviation "
        "over random choices of these images; higher is better"
    ) in page.all("dd")


def test_there_is_no_feature_table_without_feature_metrics() -> None:
    assert Page(render([SMALL])).all("h3") == [
        "Reconstruction and generation",
        "MNIST · conv",
        "MNIST · vae",
        "MNIST · aae",
    ]


SEVERAL_SEEDS = dataset(
    over_seeds(
        variant("conv", {"psnr": 19.5, "active_units": 2}),
        psnr=[19.0, 19.5, 20.0],
        active_units=[2, 2, 2],
    ),
    over_seeds(
        variant("vae", {"psnr": 14.6, "kl": 4.7}),
        changes=("params", "code"),
        psnr=[14.6, 14.4],
        kl=[5.0],
    ),
    variant("aae", {"psnr": 21.0}),
)


def test_means_over_several_seeds_have_intervals() -> None:
    page = Page(render([SEVERAL_SEEDS]))
    assert "Over several seeds" in page.all("h3")
    assert page.all("table", class_="seeds") == [
        # The half-width is 4.303 · 0.5 / √3 for conv, 12.706 · 0.1414 / √2 for vae.
        "metric conv n = 3 vae n = 2 out of date "
        "PSNR ↑ dB 19.5 ± 1.2 14.5 ± 1.3 "
        "active units 2 ± 0 –"  # no row for kl, which has one seed only
    ]
    assert page.all("p", class_="outdated") == [
        "The results of vae over several seeds are out of date: params and code changed after "
        "these trainings. autoencoders seeds mnist/vae repeats them."
    ]


def test_paired_differences_are_in_the_page_as_json() -> None:
    (data,) = Page(render([SEVERAL_SEEDS])).all("script", type="application/json")
    # 19.0 − 14.6 and 19.5 − 14.4: their mean is 4.75, the half-width 12.706 · 0.35.
    difference = {"n": 2, "outdated": True, "metrics": {"psnr": ["+4.8 ± 4.4", False]}}
    assert json.loads(data) == {"conv": {"vae": difference}, "vae": {}}


def test_there_is_no_table_of_seeds_without_their_results() -> None:
    one_seed = dataset(over_seeds(variant("conv", {"psnr": 19.5}), psnr=[19.0]))
    for results in (SMALL, one_seed):
        page = Page(render([results]))
        assert "Over several seeds" not in page.all("h3")
        assert page.all("table", class_="seeds") == page.all("p", class_="outdated") == []


@pytest.mark.parametrize(
    ("interval", "mean", "difference"),
    [
        (Interval(14.6678, 0.1234, 5), "14.67 ± 0.12", "+14.67 ± 0.12"),
        (Interval(14.6678, 0.2345, 5), "14.7 ± 0.2", "+14.67 ± 0.23"),
        (Interval(-0.0004, 0.0987, 5), "0.00 ± 0.10", "0.000 ± 0.099"),
        (Interval(-1912.3, 34.5, 4), "−1912 ± 34 (n = 4)", "−1912 ± 34 (n = 4)"),
        (Interval(-0.25, 0.0, 5), "−0.25 ± 0.00", "−0.25 ± 0.00"),
        (Interval(0.25, 1e-9, 5), "0.2500 ± 0.0000", "+0.2500 ± 0.0000"),
    ],
)
def test_intervals_have_one_or_two_significant_digits(
    interval: Interval, mean: str, difference: str
) -> None:
    metric = Metric("psnr", "PSNR", "dB", "higher", 2, "")
    assert interval_text(metric, interval, 5) == mean
    assert interval_text(metric, interval, 5, signed=True) == difference


def test_better_yardsticks_are_listed_in_sentences() -> None:
    assert "conv is worse than pca 128 on MSE" in Page(render([SMALL])).all("li")
    alone = dataset(variant("conv", {"mse": 0.1}, yardsticks={"pca": {"mse": 0.2}}))
    assert any(
        "No yardstick is better than its network" in text for text in Page(render([alone])).all("p")
    )


def test_only_stand_in_data_has_a_banner() -> None:
    fake = dataset(variant("conv", {"mse": 0.1}), title="Fashion-MNIST", source="stand-in")
    (banner,) = Page(render([SMALL, fake])).all("p", class_="banner")
    assert banner.startswith("stand-in data: Fashion-MNIST These images were generated")
    assert Page(render([SMALL])).all("p", class_="banner") == []
    assert "Fashion-MNIST: generated stand-in images, 54,000 train, 10,000 test" in Page(
        render([fake])
    ).all("li")


def test_pictures_have_captions_and_relative_paths() -> None:
    pictures = [FigureFile("figures/mnist/conv/a b.png", "Inputs & outputs")]
    page = Page(render([dataset(variant("conv", {"mse": 1}, pictures=pictures))]))
    assert page.attributes("img", "src") == ["overview/mnist.png", "figures/mnist/conv/a%20b.png"]
    captions = ["All variants on the same test images", "Inputs & outputs"]
    assert page.attributes("img", "alt") == [f"MNIST: {captions[0]}", f"MNIST conv: {captions[1]}"]
    assert set(page.attributes("img", "loading")) == {"lazy"}
    assert page.all("figcaption") == captions


def test_cells_with_a_value_have_it_as_data_for_the_script() -> None:
    page = Page(render([SMALL]))
    rows = [found.get("data-value") for tag, found, _ in page.elements if tag == "td"]
    assert rows[:4] == ["0.0134", "19.5", None, "1.0"]  # conv: mse, psnr, elbo, kl
    assert rows[12:16] == ["0.0134", None, "-37.72", "4.67"]  # vae; its PSNR is NaN
    heads = [found.get("data-better") for tag, found, _ in page.elements if tag == "th"]
    assert heads[:5] == [None, "lower", "higher", "higher", None]


def test_latent_planes_are_in_the_page_as_json() -> None:
    page = Page(render([dataset(variant("vae", {"mse": 1}, plane=PLANE))]))
    (data,) = page.all("script", type="application/json")
    plane = json.loads(data)
    assert plane["decoded"] == {"path": "planes/a%20b.png", "columns": 2, "rows": 1}
    assert plane["points"] == [[0.25, 0.5, 0, 0]]
    assert Page(render([SMALL])).all("script", type="application/json") == []


def test_page_loads_no_other_files_and_its_links_have_targets() -> None:
    html = render([SMALL, dataset(variant("conv", {"mse": 1}), name="fashion_mnist")])
    page = Page(html)
    assert not {"link", "iframe"} & {tag for tag, _, _ in page.elements}
    assert page.attributes("script", "src") == []
    assert not re.search(r"https?:|url\(|@import|fetch\(|import ", html.replace(SVG, ""))
    targets = [found["id"] for _, found, _ in page.elements if "id" in found]
    assert len(targets) == len(set(targets))
    links = page.attributes("a", "href")
    assert "#mnist-vae" in links
    assert "#fashion_mnist-conv" in links
    assert {link[1:] for link in links if link.startswith("#")} <= set(targets)


def test_hyperparameters_have_dotted_keys() -> None:
    settings = {
        "model": {"name": "conv", "channels": [16, 8]},
        "optimiser": {"adam": {"lr": 1e-4}},
        "weight_decay": None,
        "extra": {},
    }
    section = variant("conv", {"mse": 1}, hyperparameters=settings, best_epoch=27)
    page = Page(render([dataset(section)]))
    pairs = dict(zip(page.all("dt"), page.all("dd"), strict=True))
    assert pairs["model.name"] == "conv"
    assert pairs["model.channels"] == "[16, 8]"
    assert pairs["optimiser.adam.lr"] == "0.0001"
    assert pairs["weight_decay"] == "null"
    assert pairs["extra"] == "{}"
    assert pairs["best epoch"] == "27"
    assert "ab" * 32 in page.all("span", class_="digest")


def test_names_and_values_are_escaped() -> None:
    markup = "<script>alert('1')</script>&\""
    section = dataset(
        variant(
            markup,
            {"mse": 0.1, markup: 1.0},
            yardsticks={markup: {"mse": 0.2}},
            hyperparameters={markup: markup},
            pictures=[FigureFile(markup, markup)],
            model_sha256=markup,
            plane=replace(PLANE, classes=[markup], decoded=Sheet(markup, 2, 1)),
        ),
        name=markup,
    )
    html = render([section])
    page = Page(html)
    assert "<script>alert" not in html
    assert html.count("<script") == 2  # the plane's data, and the page's script
    (plane,) = page.all("script", type="application/json")
    assert json.loads(plane)["classes"] == [markup]
    assert markup in page.all("figcaption")
    assert markup in page.all("dd")


def test_equal_results_give_equal_pages() -> None:
    assert render([SMALL]) == render([SMALL])
