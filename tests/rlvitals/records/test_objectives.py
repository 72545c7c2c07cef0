"""Objectives that a configuration declares."""

import pytest

from rlvitals.records.objectives import (
    Objective,
    custom_objectives,
    declared_directions,
    objectives_of,
    parameter_bounds,
)


def test_directions_are_read_from_two_lists() -> None:
    """A configuration lists names by direction, as a list or as one text."""

    declared = declared_directions({"lower_is_better": ["size", "time"], "higher_is_better": "score"})
    assert declared == {"size": "lower", "time": "lower", "score": "higher"}


def test_lower_wins_over_higher() -> None:
    """A name in both lists counts as lower is better."""

    assert declared_directions({"lower_is_better": ["size"], "higher_is_better": ["size"]}) == {"size": "lower"}


@pytest.mark.parametrize("given", [None, 3, {"size": True}])
def test_other_types_declare_nothing(given: object) -> None:
    """A setting of another program with the same name is ignored."""

    assert declared_directions({"lower_is_better": given}) == {}


def test_a_custom_objective_is_an_entry_of_extra() -> None:
    """A declared name that is not a field of the episode is read from `extra`."""

    custom = custom_objectives({"lower_is_better": ["extra.size", "length"]})
    assert [(one.name, one.column, one.sign) for one in custom] == [("size", "extra.size", -1.0)]


def test_names_of_attempts_are_fields() -> None:
    """`quality` of attempts is the quality of the episode, so that it is not a custom objective."""

    custom = custom_objectives({"higher_is_better": ["quality", "detail"]})
    assert [one.name for one in custom] == ["detail"]


def test_known_objectives_precede_declared_ones() -> None:
    """Only recorded objectives are returned. A declared direction replaces that of a field."""

    found = objectives_of({"lower_is_better": ["size", "reward"]}, {"size", "success", "reward", "length"})
    assert found == (Objective("reward", "lower"), Objective("success", "higher"), Objective("size", "lower"))


def test_an_objective_has_a_title_and_its_direction() -> None:
    """The title of a custom objective comes from its name."""

    metric = Objective("svg_bytes", "lower").metric
    assert (metric.title, metric.better) == ("Svg bytes", "lower")


def test_bounds_are_two_ascending_numbers() -> None:
    """Other entries of `parameter_bounds` are ignored."""

    given = {"a": [0, 2.5], "b": (1, 1), "c": [3], "d": ["x", "y"], "e": 4}
    assert parameter_bounds({"parameter_bounds": given}) == {"a": (0.0, 2.5)}
