import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.arrays import distinct, median

numbers = st.lists(st.integers(-5, 5), max_size=12)


@given(numbers)
def test_distinct_values_are_those_of_numpy(values):
    array = np.array(values, dtype=np.int64)
    assert distinct(array).tolist() == np.unique(array).tolist()


def test_distinct_values_of_a_table_are_in_one_row():
    table = np.array([[3, 1], [1, 2]])
    assert distinct(table).tolist() == [1, 2, 3]
    assert table.tolist() == [[3, 1], [1, 2]]


@given(numbers.filter(bool))
def test_the_median_is_that_of_numpy(values):
    array = np.array(values, dtype=np.float64)
    assert median(array) == np.median(array)
