import numpy as np
import pytest

from autoencoders.datasets.stratification import stratified_split


def test_each_class_has_its_share() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20]).astype(np.uint8)
    chosen, rest = stratified_split(labels, 0.1, np.random.default_rng(0))
    assert np.bincount(labels[chosen]).tolist() == [5, 3, 2]
    assert sorted([*chosen, *rest]) == list(range(100))
    assert (np.diff(chosen) > 0).all()
    assert (np.diff(rest) > 0).all()


@pytest.mark.parametrize("fraction", [0.0, 0.04, 0.96, 1.0])
def test_an_empty_part_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match=rf"{fraction}, which leaves a split empty \(images: 10\)"):
        stratified_split(np.zeros(10, np.uint8), fraction, np.random.default_rng(0))
