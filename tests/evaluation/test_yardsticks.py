"""The fitted yardsticks against scikit-learn and a textbook's reduced-rank regression."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from torch import Tensor

from autoencoders import randomness
from autoencoders.evaluation import yardsticks
from autoencoders.evaluation.yardsticks import FittedYardsticks
from autoencoders.variants.inputs import Clean, Downsampled, Input, Noisy

Pictures = Callable[..., Tensor]
Matrix = npt.NDArray[np.float64]

COMPONENTS = 5
SEES_LESS: dict[str, Input] = {"noisy": Noisy(0.5, 0.3), "downsampled": Downsampled(2, "average")}


def seen_by(input: Input, images: Tensor, seed: int = 0) -> Tensor:
    return input(images, randomness.noise(seed, "test"))


def fitted(
    seen: Tensor, images: Tensor, components: int = COMPONENTS, size: int = 77
) -> FittedYardsticks:
    """Fit the yardsticks to pairs that come so many at a time."""

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        return zip(seen.split(size), images.split(size), strict=True)

    return yardsticks.fit_yardsticks(pairs, len(images), components)


def matrix(images: Tensor) -> Matrix:
    return images.flatten(1).double().numpy()


def mean_squared(predictions: Tensor | Matrix, images: Tensor) -> float:
    predicted = predictions if isinstance(predictions, np.ndarray) else matrix(predictions)
    return float(((np.clip(predicted, 0, 1) - matrix(images)) ** 2).mean())


def test_the_mean_image_is_the_mean_of_all_training_images(pictures: Pictures) -> None:
    train = pictures(200)
    predict = fitted(train, train).predictions["mean_image"]
    predicted = predict(pictures(3))
    assert predicted.shape == (3, 1, 8, 8)
    for image in predicted:
        np.testing.assert_allclose(image, train.double().mean(0), atol=1e-6)


def test_on_clean_images_pca_is_that_of_scikit_learn(pictures: Pictures) -> None:
    train, test = pictures(200), pictures(40, (1, 8, 8), 1)
    predicted = fitted(train, train).predictions["pca"](seen_by(Clean(), test))
    reference = PCA(COMPONENTS, svd_solver="full").fit(matrix(train))
    expected = reference.inverse_transform(reference.transform(matrix(test)))
    assert np.abs(expected - matrix(test)).mean() > 0.005  # something is lost
    np.testing.assert_allclose(matrix(predicted), expected.clip(0, 1), atol=2e-5)


@pytest.mark.parametrize("name", SEES_LESS)
def test_on_what_an_input_leaves_pca_is_reduced_rank_regression(
    name: str, pictures: Pictures
) -> None:
    train, test = pictures(400), pictures(40, (1, 8, 8), 1)
    seen, test_seen = seen_by(SEES_LESS[name], train), seen_by(SEES_LESS[name], test, seed=1)
    predicted = fitted(seen, train).predictions["pca"](test_seen)
    # Hastie, Tibshirani & Friedman, section 3.7: least squares, and the principal components of
    # its fitted values.
    regression = LinearRegression().fit(matrix(seen), matrix(train))
    components = PCA(COMPONENTS, svd_solver="full").fit(regression.predict(matrix(seen)))
    full_rank = regression.predict(matrix(test_seen))
    expected = components.inverse_transform(components.transform(full_rank))
    assert predicted.shape == test.shape
    np.testing.assert_allclose(matrix(predicted), expected.clip(0, 1), atol=1e-4)


@pytest.mark.parametrize("name", ["clean", *SEES_LESS])
def test_by_the_products_of_images_pca_is_the_same_as_by_the_covariances_of_pixels(
    name: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    input = {"clean": Clean(), **SEES_LESS}[name]
    train, test = pictures(400), pictures(40, (1, 8, 8), 1)
    seen, test_seen = seen_by(input, train), seen_by(input, test, seed=1)
    exact = fitted(seen, train)
    monkeypatch.setattr(yardsticks, "MAX_DIRECT_LENGTH", 10)
    found = fitted(seen, train)
    predicted = found.predictions["pca"](test_seen)
    assert not torch.equal(predicted, exact.predictions["pca"](test_seen))
    torch.testing.assert_close(predicted, exact.predictions["pca"](test_seen), atol=1e-3, rtol=0)
    products = [fit.pca_codes(test_seen) @ fit.pca_codes(test_seen).T for fit in (found, exact)]
    torch.testing.assert_close(*products, atol=2e-3, rtol=0)  # the codes, but for their signs


@pytest.mark.parametrize("name", ["clean", *SEES_LESS])
def test_of_fewer_images_than_pixels_no_matrix_is_of_pixels(
    name: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(yardsticks, "_Moments")
    input = {"clean": Clean(), **SEES_LESS}[name]
    train, test = pictures(12, (3, 8, 8)), pictures(9, (3, 8, 8), 1)
    seen, test_seen = seen_by(input, train), seen_by(input, test, seed=1)
    predicted = fitted(seen, train).predictions["pca"](test_seen)
    # Least squares of least length, as there are many, and the components of its fitted values.
    regression = LinearRegression().fit(matrix(seen), matrix(train))
    components = PCA(COMPONENTS, svd_solver="full").fit(regression.predict(matrix(seen)))
    full_rank = regression.predict(matrix(test_seen))
    expected = components.inverse_transform(components.transform(full_rank))
    np.testing.assert_allclose(matrix(predicted), expected.clip(0, 1), atol=1e-4)


def test_large_images_are_many_enough_at_a_bound_but_all_have_a_mean(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yardsticks, "MAX_DIRECT_LENGTH", 10)
    monkeypatch.setattr(yardsticks, "MAX_GRAM_ROWS", 100)
    train, test = pictures(400), pictures(20, (1, 8, 8), 1)
    found, of_first = fitted(train, train), fitted(train[:100], train[:100])
    assert torch.equal(found.predictions["pca"](test), of_first.predictions["pca"](test))
    mean = found.predictions["mean_image"](test)[0]
    torch.testing.assert_close(mean, train.mean(0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("count", [1, 3])
def test_of_images_that_are_all_alike_pca_is_their_mean(count: int, pictures: Pictures) -> None:
    alike = pictures(1).repeat(count, 1, 1, 1)
    found = fitted(alike, alike)
    torch.testing.assert_close(found.predictions["pca"](pictures(4)), alike[:1].repeat(4, 1, 1, 1))
    assert torch.equal(found.pca_codes(alike), torch.zeros(count, count))


@pytest.mark.parametrize("name", SEES_LESS)
def test_no_other_linear_map_through_as_few_dimensions_does_better(
    name: str, pictures: Pictures
) -> None:
    train = pictures(400)
    seen = seen_by(SEES_LESS[name], train)
    predictions = fitted(seen, train).predictions
    best = mean_squared(predictions["pca"](seen), train)
    of_seen = PCA(COMPONENTS, svd_solver="full").fit(matrix(seen))
    codes = of_seen.transform(matrix(seen))
    regressed = LinearRegression().fit(codes, matrix(train)).predict(codes)
    assert best < mean_squared(regressed, train)
    assert best < mean_squared(predictions["mean_image"](seen), train)
    if seen.shape == train.shape:
        of_images = PCA(COMPONENTS, svd_solver="full").fit(matrix(train))
        denoised = of_images.inverse_transform(of_images.transform(matrix(seen)))
        assert best < mean_squared(denoised, train)


def test_as_many_components_as_pixels_lose_nothing(pictures: Pictures) -> None:
    train = pictures(200)
    predict = fitted(train, train, components=100).predictions["pca"]
    torch.testing.assert_close(predict(train), train, atol=1e-4, rtol=0)


def test_the_fit_does_not_depend_on_the_batches(pictures: Pictures) -> None:
    train, test = pictures(200), pictures(10, (1, 8, 8), 1)
    one, many = (fitted(train, train, size=size).predictions["pca"](test) for size in (200, 7))
    torch.testing.assert_close(one, many, atol=1e-6, rtol=0)


def test_the_fit_does_not_depend_on_whether_what_is_seen_is_the_image_or_a_copy(
    pictures: Pictures,
) -> None:
    train, test = pictures(200), pictures(10, (1, 8, 8), 1)
    batches = train.split(77)
    itself = yardsticks.fit_yardsticks(lambda: zip(batches, batches, strict=True), 200, COMPONENTS)
    for name, predict in fitted(train.clone(), train).predictions.items():
        torch.testing.assert_close(itself.predictions[name](test), predict(test))


def test_predictions_stay_images(pictures: Pictures) -> None:
    train = pictures(200)
    for predict in fitted(train, train).predictions.values():
        predicted = predict(1 - train)
        assert predicted.dtype == torch.float32
        assert predicted.min() >= 0
        assert predicted.max() <= 1
