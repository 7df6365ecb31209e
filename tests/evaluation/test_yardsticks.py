"""Compares fitted yardsticks with scikit-learn and reduced-rank regression from a textbook."""

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
LOSSY_INPUTS: dict[str, Input] = {
    "noisy": Noisy(0.5, 0.3),
    "downsampled": Downsampled(2, "average"),
}


def inputs_of(input: Input, images: Tensor, seed: int = 0) -> Tensor:
    return input(images, randomness.noise(seed, "test"))


def fit_to(
    inputs: Tensor, images: Tensor, components: int = COMPONENTS, size: int = 77
) -> FittedYardsticks:
    """Fit the yardsticks to pairs in batches of `size`."""

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        return zip(inputs.split(size), images.split(size), strict=True)

    return yardsticks.fit_yardsticks(pairs, len(images), components)


def matrix(images: Tensor) -> Matrix:
    return images.flatten(1).double().numpy()


def mean_squared(predictions: Tensor | Matrix, images: Tensor) -> float:
    predicted = predictions if isinstance(predictions, np.ndarray) else matrix(predictions)
    return float(((np.clip(predicted, 0, 1) - matrix(images)) ** 2).mean())


def test_the_mean_image_is_the_mean_training_image(pictures: Pictures) -> None:
    train = pictures(200)
    predict = fit_to(train, train).predictions["mean_image"]
    predicted = predict(pictures(3))
    assert predicted.shape == (3, 1, 8, 8)
    for image in predicted:
        np.testing.assert_allclose(image, train.double().mean(0), atol=1e-6)


def test_pca_on_clean_images_equals_scikit_learn(pictures: Pictures) -> None:
    train, test = pictures(200), pictures(40, (1, 8, 8), 1)
    predicted = fit_to(train, train).predictions["pca"](inputs_of(Clean(), test))
    reference = PCA(COMPONENTS, svd_solver="full").fit(matrix(train))
    expected = reference.inverse_transform(reference.transform(matrix(test)))
    assert np.abs(expected - matrix(test)).mean() > 0.005  # the reconstruction is not perfect
    np.testing.assert_allclose(matrix(predicted), expected.clip(0, 1), atol=2e-5)


@pytest.mark.parametrize("name", LOSSY_INPUTS)
def test_pca_on_other_inputs_is_reduced_rank_regression(name: str, pictures: Pictures) -> None:
    train, test = pictures(400), pictures(40, (1, 8, 8), 1)
    inputs, test_inputs = (
        inputs_of(LOSSY_INPUTS[name], train),
        inputs_of(LOSSY_INPUTS[name], test, seed=1),
    )
    predicted = fit_to(inputs, train).predictions["pca"](test_inputs)
    # Hastie, Tibshirani & Friedman, section 3.7: least squares, and the principal components of
    # its fitted values.
    regression = LinearRegression().fit(matrix(inputs), matrix(train))
    components = PCA(COMPONENTS, svd_solver="full").fit(regression.predict(matrix(inputs)))
    full_rank = regression.predict(matrix(test_inputs))
    expected = components.inverse_transform(components.transform(full_rank))
    assert predicted.shape == test.shape
    np.testing.assert_allclose(matrix(predicted), expected.clip(0, 1), atol=1e-4)


@pytest.mark.parametrize("name", ["clean", *LOSSY_INPUTS])
def test_inner_products_give_the_same_pca_as_covariances(
    name: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    input = {"clean": Clean(), **LOSSY_INPUTS}[name]
    train, test = pictures(400), pictures(40, (1, 8, 8), 1)
    inputs, test_inputs = inputs_of(input, train), inputs_of(input, test, seed=1)
    exact = fit_to(inputs, train)
    monkeypatch.setattr(yardsticks, "MAX_DIRECT_LENGTH", 10)
    found = fit_to(inputs, train)
    predicted = found.predictions["pca"](test_inputs)
    assert not torch.equal(predicted, exact.predictions["pca"](test_inputs))
    torch.testing.assert_close(predicted, exact.predictions["pca"](test_inputs), atol=1e-3, rtol=0)
    products = [fit.pca_codes(test_inputs) @ fit.pca_codes(test_inputs).T for fit in (found, exact)]
    torch.testing.assert_close(*products, atol=2e-3, rtol=0)  # equal codes, up to signs


@pytest.mark.parametrize("name", ["clean", *LOSSY_INPUTS])
def test_pca_of_fewer_images_than_pixels_equals_the_textbook(
    name: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(yardsticks, "_Moments")
    input = {"clean": Clean(), **LOSSY_INPUTS}[name]
    train, test = pictures(12, (3, 8, 8)), pictures(9, (3, 8, 8), 1)
    inputs, test_inputs = inputs_of(input, train), inputs_of(input, test, seed=1)
    predicted = fit_to(inputs, train).predictions["pca"](test_inputs)
    # The minimum-norm solution of least squares, and the principal components of its predictions.
    regression = LinearRegression().fit(matrix(inputs), matrix(train))
    components = PCA(COMPONENTS, svd_solver="full").fit(regression.predict(matrix(inputs)))
    full_rank = regression.predict(matrix(test_inputs))
    expected = components.inverse_transform(components.transform(full_rank))
    np.testing.assert_allclose(matrix(predicted), expected.clip(0, 1), atol=1e-4)


def test_pca_of_large_images_uses_the_first_ones_but_the_mean_uses_all(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yardsticks, "MAX_DIRECT_LENGTH", 10)
    monkeypatch.setattr(yardsticks, "MAX_GRAM_ROWS", 100)
    train, test = pictures(400), pictures(20, (1, 8, 8), 1)
    found, of_first = fit_to(train, train), fit_to(train[:100], train[:100])
    assert torch.equal(found.predictions["pca"](test), of_first.predictions["pca"](test))
    mean = found.predictions["mean_image"](test)[0]
    torch.testing.assert_close(mean, train.mean(0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("count", [1, 3])
def test_pca_of_identical_images_is_their_mean(count: int, pictures: Pictures) -> None:
    alike = pictures(1).repeat(count, 1, 1, 1)
    found = fit_to(alike, alike)
    torch.testing.assert_close(found.predictions["pca"](pictures(4)), alike[:1].repeat(4, 1, 1, 1))
    assert torch.equal(found.pca_codes(alike), torch.zeros(count, count))


@pytest.mark.parametrize("name", LOSSY_INPUTS)
def test_pca_is_the_best_linear_map_of_its_rank(name: str, pictures: Pictures) -> None:
    train = pictures(400)
    inputs = inputs_of(LOSSY_INPUTS[name], train)
    predictions = fit_to(inputs, train).predictions
    best = mean_squared(predictions["pca"](inputs), train)
    pca_of_inputs = PCA(COMPONENTS, svd_solver="full").fit(matrix(inputs))
    codes = pca_of_inputs.transform(matrix(inputs))
    regressed = LinearRegression().fit(codes, matrix(train)).predict(codes)
    assert best < mean_squared(regressed, train)
    assert best < mean_squared(predictions["mean_image"](inputs), train)
    if inputs.shape == train.shape:
        pca_of_images = PCA(COMPONENTS, svd_solver="full").fit(matrix(train))
        denoised = pca_of_images.inverse_transform(pca_of_images.transform(matrix(inputs)))
        assert best < mean_squared(denoised, train)


def test_as_many_components_as_pixels_are_lossless(pictures: Pictures) -> None:
    train = pictures(200)
    predict = fit_to(train, train, components=100).predictions["pca"]
    torch.testing.assert_close(predict(train), train, atol=1e-4, rtol=0)


def test_the_fit_does_not_depend_on_the_batches(pictures: Pictures) -> None:
    train, test = pictures(200), pictures(10, (1, 8, 8), 1)
    one, many = (fit_to(train, train, size=size).predictions["pca"](test) for size in (200, 7))
    torch.testing.assert_close(one, many, atol=1e-6, rtol=0)


def test_the_fit_is_the_same_for_an_image_and_its_copy(
    pictures: Pictures,
) -> None:
    train, test = pictures(200), pictures(10, (1, 8, 8), 1)
    batches = train.split(77)
    itself = yardsticks.fit_yardsticks(lambda: zip(batches, batches, strict=True), 200, COMPONENTS)
    for name, predict in fit_to(train.clone(), train).predictions.items():
        torch.testing.assert_close(itself.predictions[name](test), predict(test))


def test_predictions_are_in_0_to_1(pictures: Pictures) -> None:
    train = pictures(200)
    for predict in fit_to(train, train).predictions.values():
        predicted = predict(1 - train)
        assert predicted.dtype == torch.float32
        assert predicted.min() >= 0
        assert predicted.max() <= 1
