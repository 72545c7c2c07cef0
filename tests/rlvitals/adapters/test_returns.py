"""Reading and summing rewards and flags of any type."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch

from rlvitals.adapters.returns import ReturnTally, is_set, read_reward, rows_of


class Odd:
    """Raises on every conversion."""

    def __float__(self) -> float:
        raise RuntimeError("no number")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth value")


@pytest.mark.parametrize(
    "reward",
    [
        1.5,
        np.float32(1.5),
        np.array(1.5),
        np.array([1.5]),
        np.array([[1.5]]),
        np.array([1.5], dtype=object),
        [1.5],
        torch.tensor(1.5),
        torch.tensor([1.5], requires_grad=True),
        Decimal("1.5"),
    ],
)
def test_one_element_is_a_number(reward: Any) -> None:
    """A scalar, or an array, tensor or list with one element, is read as its number."""
    assert read_reward(reward) == 1.5


@pytest.mark.parametrize(
    ("reward", "parts"),
    [
        (np.array([1.0, -0.5]), {"reward_0": 1.0, "reward_1": -0.5}),
        (torch.tensor([1.0, -0.5]), {"reward_0": 1.0, "reward_1": -0.5}),
        ((1, 2), {"reward_0": 1.0, "reward_1": 2.0}),
        ({"a": 1.0, "b": np.array([2.0])}, {"a": 1.0, "b": 2.0}),
        ({"a": 1.0}, {"a": 1.0}),
        ({"red": {"a": 1.0}, "blue": [2.0, 3.0]}, {"red/a": 1.0, "blue/0": 2.0, "blue/1": 3.0}),
        (np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False]), {"reward_0": 1.0, "reward_2": 3.0}),
        ({"a": 1.0, "b": None}, {"a": 1.0}),
    ],
)
def test_several_components_have_names(reward: Any, parts: dict[str, float]) -> None:
    """Objectives are numbered, agents keep their names, and masked or `None` values are left out."""
    assert read_reward(reward) == parts


@pytest.mark.parametrize("reward", [None, "1.0", b"1", 1j, np.ma.masked, np.array(None), [], {}, object(), Odd()])
def test_a_value_without_a_number_is_none(reward: Any) -> None:
    """No number is invented for a reward without one."""
    assert read_reward(reward) is None


def test_more_components_than_a_record_holds() -> None:
    """Only the sum of 2,000 components is kept."""
    assert read_reward(np.ones(2_000)) == 2_000.0


@pytest.mark.parametrize(
    "flag", [True, 1, np.True_, np.array([True]), torch.tensor([1]), [True, True], {"a": True, "b": 1}]
)
def test_a_set_flag(flag: Any) -> None:
    """A truth value of any library is read, and several agents must all be done."""
    assert is_set(flag)


@pytest.mark.parametrize(
    "flag", [False, None, 0, np.array([False]), [], {}, "yes", [True, False], {"a": True, "__all__": False}, Odd()]
)
def test_an_unset_flag(flag: Any) -> None:
    """A value without a truth value does not end an episode."""
    assert not is_set(flag)


def test_rows_of_a_dict_of_agents() -> None:
    """A dict of arrays becomes one dict per environment."""
    assert rows_of({"a": np.array([1.0, 2.0]), "b": [3.0, 4.0]}, 2) == [{"a": 1.0, "b": 3.0}, {"a": 2.0, "b": 4.0}]


def test_a_wrong_number_of_rows_is_refused() -> None:
    """Three values for two environments are refused."""
    with pytest.raises(ValueError, match="3 values for 2 environments; return one"):
        rows_of([1, 2, 3], 2)


def test_components_are_summed() -> None:
    """The return of two steps of (1, -0.5) is the sum of the components, and each component has its own sum."""
    tally = ReturnTally(1)
    for _ in range(2):
        tally.add_any([np.array([1.0, -0.5])])

    found = tally.ending(0)
    assert (found.reward, found.parts) == (1.0, {"reward_0": 2.0, "reward_1": -1.0})


def test_rewards_that_are_not_numbers_are_counted() -> None:
    """A step without a number is left out and counted, and the next episode starts at zero."""
    tally = ReturnTally(1)
    for reward in (1.0, None, 2.0):
        tally.add_any([reward])
    found = tally.ending(0)
    tally.add_any([4.0])

    assert (found.reward, found.unreadable) == (3.0, 1)
    assert tally.ending(0)[:2] == (4.0, 1)


def test_an_episode_without_numbers_has_no_return() -> None:
    """An episode whose rewards are all `None` has the return NaN, not 0."""
    tally = ReturnTally(1)
    tally.add_any([None])

    assert math.isnan(tally.ending(0).reward)
