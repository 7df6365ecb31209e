"""The report page, read back as a browser would."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

from autoencoders.figures.section import FigureFile, LatentPlane, Sheet
from autoencoders.report.page import render
from tests.report.made import dataset, variant

VOID = {"meta", "img", "link", "br"}
SVG = "http://www.w3.org/2000/svg"  # the name of a language: nothing is fetched from there


class Page(HTMLParser):
    """Elements in order with their attributes and text, and a check that they nest."""

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
        """Return the text of each such element, white space collapsed."""
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            " ".join("".join(texts).split())
            for name, found, texts in self.elements
            if name == tag and wanted.items() <= found.items()
        ]

    def attributes(self, tag: str, attribute: str) -> list[str]:
        values = (found.get(attribute) for name, found, _ in self.elements if name == tag)
        return [value for value in values if value is not None]

    def table(self) -> dict[str, list[str]]:
        """Return row name → cells of the first table, each cell with its class in brackets."""
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


def test_best_marks_stand_on_the_best_networks_and_on_yardsticks_that_beat_theirs() -> None:
    # Columns: mse (lower is better), psnr (higher), elbo (one network, no contest), kl (neither).
    assert Page(render([SMALL])).table() == {
        "conv": ["0.0134[best]", "19.50", "–", "1.00"],
        "mean image": ["0.0673", "11.90", "–", "–"],
        "pca 128": ["0.0049[beats]", "19.50", "–", "–"],  # equal is not better
        "vae": ["0.0134[best]", "nan", "−37.72", "4.67"],  # equal as printed; NaN is never best
        "aae": ["0.0254", "21.00[best]", "–", "–"],
        "nan": ["nan", "–", "–", "–"],
    }


def test_the_columns_name_their_unit_and_direction() -> None:
    assert Page(render([SMALL])).all("th", scope="col") == [
        *("variant", "MSE ↓", "PSNR ↑dB", "ELBO ↑nats/image", "KLnats/image"),
    ]


def test_a_metric_that_the_page_does_not_know_is_shown_without_a_verdict() -> None:
    page = Page(render([dataset(variant("a", {"sharpness": 0.9}), variant("b", {"mse": 1}))]))
    assert page.all("th", scope="col") == ["variant", "MSE ↓", "sharpness"]
    assert page.table() == {"a": ["–", "0.9000"], "b": ["1.0000", "–"]}


def test_features_have_a_table_of_their_own_with_their_yardsticks_beside() -> None:
    of_features = {"probe_accuracy": 0.91, "probe_accuracy_100": 0.7, "probe_accuracy_1000": 0.8}
    of_features |= {"probe_accuracy_100_std": 0.02}
    section = variant(
        "conv",
        {"mse": 0.01, **of_features, "neighbour_disagreement": 0.05},
        yardsticks={
            "mean_image": {"mse": 0.07},
            "pca": {"mse": 0.02, **of_features, "probe_accuracy_100": 0.75},
        },
    )
    page = Page(render([dataset(section)]))
    assert page.all("th", scope="col") == [
        *("variant", "MSE ↓"),
        *("variant", "linear probe ↑accuracy", "linear probe, 1,000 labels ↑accuracy"),
        *("linear probe, 100 labels ↑accuracy", "neighbour of another class ↓share"),
    ]
    assert page.all("th", scope="row") == ["conv", "mean image", "pca", "conv", "pca"]
    assert page.table() | {"mean image": []} == {
        "conv": ["0.9100", "0.8000", "0.7000 ± 0.0200", "0.0500"],
        "mean image": [],
        "pca": ["0.9100", "0.8000", "0.7500 ± 0.0200[beats]", "–"],
    }
    assert page.all("h3")[:2] == ["Images", "Features without labels"]
    assert "pca beats conv on linear probe, 100 labels" in page.all("li")
    assert (
        "the same with the labels of 100 training images, mean ± standard deviation over draws of "
        "them; higher is better"
    ) in page.all("dd")


def test_where_nothing_is_known_of_features_their_table_is_left_out() -> None:
    assert Page(render([SMALL])).all("h3") == [
        "Images",
        "MNIST · conv",
        "MNIST · vae",
        "MNIST · aae",
    ]


def test_it_says_in_words_where_a_yardstick_wins() -> None:
    assert "pca 128 beats conv on MSE" in Page(render([SMALL])).all("li")
    alone = dataset(variant("conv", {"mse": 0.1}, yardsticks={"pca": {"mse": 0.2}}))
    assert any(
        "No yardstick is better than its network" in text for text in Page(render([alone])).all("p")
    )


def test_stand_ins_get_a_loud_banner_and_official_data_none() -> None:
    fake = dataset(variant("conv", {"mse": 0.1}), title="Fashion-MNIST", source="stand-in")
    (banner,) = Page(render([SMALL, fake])).all("p", class_="banner")
    assert banner.startswith("stand-in data: Fashion-MNIST These images were generated")
    assert Page(render([SMALL])).all("p", class_="banner") == []
    assert "Fashion-MNIST: generated stand-in images, 54,000 train, 10,000 test" in Page(
        render([fake])
    ).all("li")


def test_pictures_have_words_and_relative_addresses() -> None:
    pictures = [FigureFile("figures/mnist/conv/a b.png", "Inputs & outputs")]
    page = Page(render([dataset(variant("conv", {"mse": 1}, pictures=pictures))]))
    assert page.attributes("img", "src") == ["overview/mnist.png", "figures/mnist/conv/a%20b.png"]
    captions = ["Every variant on the same test images", "Inputs & outputs"]
    assert page.attributes("img", "alt") == [f"MNIST: {captions[0]}", f"MNIST conv: {captions[1]}"]
    assert set(page.attributes("img", "loading")) == {"lazy"}
    assert page.all("figcaption") == captions


def test_cells_say_their_value_to_the_script_where_they_have_one() -> None:
    page = Page(render([SMALL]))
    rows = [found.get("data-value") for tag, found, _ in page.elements if tag == "td"]
    assert rows[:4] == ["0.0134", "19.5", None, "1.0"]  # conv: mse, psnr, elbo, kl
    assert rows[12:16] == ["0.0134", None, "-37.72", "4.67"]  # vae, whose PSNR is NaN
    heads = [found.get("data-better") for tag, found, _ in page.elements if tag == "th"]
    assert heads[:5] == [None, "lower", "higher", "higher", None]


def test_a_latent_plane_stands_in_its_variants_section_as_data() -> None:
    page = Page(render([dataset(variant("vae", {"mse": 1}, plane=PLANE))]))
    (data,) = page.all("script", type="application/json")
    plane = json.loads(data)
    assert plane["decoded"] == {"path": "planes/a%20b.png", "columns": 2, "rows": 1}
    assert plane["points"] == [[0.25, 0.5, 0, 0]]
    assert Page(render([SMALL])).all("script", type="application/json") == []


def test_the_page_needs_nothing_but_itself_and_its_links_lead_somewhere() -> None:
    html = render([SMALL, dataset(variant("conv", {"mse": 1}), dataset="fashion_mnist")])
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


def test_hyperparameters_stand_as_dotted_keys() -> None:
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


def test_what_comes_from_outside_is_escaped() -> None:
    evil = "<script>alert('1')</script>&\""
    section = dataset(
        variant(
            evil,
            {"mse": 0.1, evil: 1.0},
            yardsticks={evil: {"mse": 0.2}},
            hyperparameters={evil: evil},
            pictures=[FigureFile(evil, evil)],
            model_sha256=evil,
            plane=replace(PLANE, classes=[evil], decoded=Sheet(evil, 2, 1)),
        ),
        dataset=evil,
    )
    html = render([section])
    page = Page(html)
    assert "<script>alert" not in html
    assert html.count("<script") == 2  # the plane's data, and the page's own
    (plane,) = page.all("script", type="application/json")
    assert json.loads(plane)["classes"] == [evil]
    assert evil in page.all("figcaption")
    assert evil in page.all("dd")


def test_the_same_input_gives_the_same_page() -> None:
    assert render([SMALL]) == render([SMALL])
