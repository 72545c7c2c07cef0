"""The time budget shared by the steps of closing."""

from rlvitals.recording.budget import Budget


def test_a_tenth_is_reserved_for_each_later_step() -> None:
    """A step that hangs leaves time for the remaining steps."""
    budget = Budget(1e6)

    assert [round(budget.left(later_steps=steps) / 1e5) for steps in (0, 1, 3)] == [10, 9, 7]


def test_a_used_up_budget_has_no_time_left() -> None:
    """A wait is never negative."""
    assert [Budget(0.0).left(later_steps=steps) for steps in (0, 2)] == [0.0, 0.0]
