"""The time that the steps of closing share."""

from rlvitals.recording.budget import Budget


def test_each_later_step_keeps_a_tenth() -> None:
    """So that a step that hangs leaves time for those that work."""
    budget = Budget(1e6)

    assert [round(budget.left(later_steps=steps) / 1e5) for steps in (0, 1, 3)] == [10, 9, 7]


def test_nothing_is_left_of_a_budget_that_is_used_up() -> None:
    """A wait is never negative."""
    assert [Budget(0.0).left(later_steps=steps) for steps in (0, 2)] == [0.0, 0.0]
