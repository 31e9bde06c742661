import pytest

from musicae.evaluation.statistics import spread


def test_spread_gives_size_median_quartiles_and_interval():
    found = spread([1, 2, 3, 4, 100])
    assert (found.size, found.median, found.quartiles) == (5, 3, (2, 4))
    assert found.interval == (1, 100)


def test_the_interval_narrows_with_many_values():
    few, many = spread([1, 2, 3, 4, 5]), spread([1, 2, 3, 4, 5] * 100)
    assert few.quartiles == many.quartiles
    assert many.interval == (3, 3)


def test_a_seed_gives_the_same_interval():
    values = [(7 * i) % 31 / 3 for i in range(31)]
    assert spread(values, seed=1) == spread(values, seed=1)
    assert spread([4.0]).interval == (4, 4)


def test_no_values_are_refused():
    with pytest.raises(ValueError, match="no values"):
        spread([])
