import numpy as np
import pytest

from autoencoders.sources import drawing
from autoencoders.sources.drawing import SIDE, Sheet


@pytest.fixture
def sheet() -> Sheet:
    return Sheet(np.random.default_rng(0), 3)


def test_a_circle_and_a_bar_are_their_distances_and_cover_their_areas(sheet: Sheet) -> None:
    disc = drawing.ellipse(sheet, (1.0, -2.0), (6.0, 6.0))
    np.testing.assert_allclose(disc, 6 - np.hypot(sheet.x - 1, sheet.y + 2), atol=1e-5)
    assert drawing.cover(disc).sum() == pytest.approx(np.pi * 6**2, rel=0.01)
    bar = drawing.limb(sheet, (-5.0, 0.0), (5.0, 0.0), (2.0, 2.0))
    assert drawing.cover(bar).sum() == pytest.approx(10.5 * 4, rel=0.01)


def test_shapes_combine_as_sets(sheet: Sheet) -> None:
    disc = drawing.ellipse(sheet, (0.0, 0.0), (8.0, 8.0))
    right = sheet.x + 0 * sheet.y
    np.testing.assert_array_equal(drawing.union(disc, right) > 0, (disc > 0) | (right > 0))
    np.testing.assert_array_equal(drawing.common(disc, right) > 0, (disc > 0) & (right > 0))
    some = np.array([True, False, True])[:, None, None]
    kept = drawing.cover(drawing.only(disc, some))
    assert (kept.sum((1, 2)) > 0).tolist() == [True, False, True]


def test_a_profile_runs_through_its_values() -> None:
    position = np.linspace(0, 1, 5)
    np.testing.assert_allclose(drawing.along(position, (2.0, 6.0, 4.0)), [2, 4, 6, 5, 4])
    assert drawing.along(np.array([-1.0, 2.0]), (2.0, 6.0, 4.0)).tolist() == [2, 4]


def test_a_line_fades_and_lights_blend() -> None:
    np.testing.assert_allclose(drawing.line(np.array([0.0, 2.0]), 2.0), [1, np.exp(-1)], 1e-6)
    share = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(drawing.blend(np.full(3, 0.2), 1.0, share), [0.2, 0.6, 1])


def test_waves_are_a_function_of_the_plane_of_variance_one() -> None:
    sheet = Sheet(np.random.default_rng(0), 2000)
    waves = sheet.waves(4, longest=20, shortest=10)
    values = waves(sheet.x, sheet.y)
    assert values.shape == (2000, SIDE, SIDE)
    assert values.var() == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(waves(sheet.x, sheet.y), values)
