"""Conversion of parameter columns."""

import numpy as np
import pytest

from rlvitals.stats.parameters.parameter_columns import parameter_column, tried_columns


@pytest.mark.parametrize(
    ("given", "values", "present", "levels", "whole"),
    [
        ([1, 2, 3], [1, 2, 3], [True, True, True], (), True),
        ([1.5, None, np.nan, np.inf], [1.5, 0, 0, 0], [True, False, False, False], (), False),
        ([True, False, None], [1, 0, 0], [True, True, False], (False, True), False),
        ([True, 2, 0.5], [1, 2, 0.5], [True, True, True], (), False),
        (["b", "a", None, "b"], [1, 0, 0, 1], [True, True, False, True], ("a", "b"), False),
        (["x", 1, None], [1, 0, 0], [True, True, False], ("1", "x"), False),
        ([None, None], [0, 0], [False, False], (), False),
        (np.array([4, 5], dtype=np.int8), [4, 5], [True, True], (), True),
        (np.array(["u", "v"]), [0, 1], [True, True], ("u", "v"), False),
        (np.array([True, False]), [1, 0], [True, True], (False, True), False),
        (np.array([np.int64(3), np.float32(0.5), None], dtype=object), [3, 0.5, 0], [True, True, False], (), False),
        (np.ma.masked_array([7.0, 8.0], mask=[False, True]), [7, 0], [True, False], (), True),
    ],
)
def test_a_column_becomes_numbers_or_levels(
    given: object, values: list[float], present: list[bool], levels: tuple[object, ...], whole: bool
) -> None:
    """Numbers, booleans and strings of any type become numbers, with a mask of missing values."""

    tried = parameter_column("p", given)  # type: ignore[arg-type]
    assert tried.values.tolist() == values
    assert tried.present.tolist() == present
    assert (tried.levels, tried.whole) == (levels, whole)


def test_a_value_is_returned_in_its_original_form() -> None:
    """Levels are returned by name, and integers without a decimal point."""

    assert parameter_column("p", ["b", "a"]).said(1.0) == "b"
    assert repr(parameter_column("p", [1.0, 2.0]).said(2.0)) == "2"
    assert parameter_column("p", [1.5, 2.0]).said(1.5) == 1.5


@pytest.mark.parametrize(
    "given", [[3, 1, 3, None], [0.25, 0.1, 0.25, None], ["y", "x", "y", None], [2**40, 0, 2**40, None]]
)
def test_equal_values_have_equal_keys(given: list[object]) -> None:
    """A missing value has a separate key."""

    one, two, three, four = parameter_column("p", given).keys().tolist()
    assert one == three
    assert len({one, two, four}) == 3


def test_columns_of_different_length_are_refused() -> None:
    """The message names the columns."""

    with pytest.raises(ValueError, match="'a' has 2, 'b' has 1"):
        tried_columns({"a": [1, 2], "b": [1]})
    with pytest.raises(ValueError, match="shape"):
        parameter_column("a", np.zeros((2, 2)))
