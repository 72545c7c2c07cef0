"""Evaluations, wherever they hide among a training's callbacks."""

from typing import Any

import pytest
from stable_baselines3.common.callbacks import CallbackList, EvalCallback, EveryNTimesteps
from stable_baselines3.common.monitor import Monitor

from rlvitals.adapters.evaluations import EvaluationWatch, evaluations_in


@pytest.fixture
def evaluate(walk: Any) -> EvalCallback:
    return EvalCallback(Monitor(walk()), verbose=0)


def test_nested_evaluations_are_found(evaluate: EvalCallback) -> None:
    """In a list, in a list in a list, and behind an event."""
    nested = CallbackList([CallbackList([evaluate]), EveryNTimesteps(10, evaluate)])

    assert list(evaluations_in(nested)) == [evaluate, evaluate]
    assert list(evaluations_in(None)) == []


def test_a_watch_goes_as_it_came(evaluate: EvalCallback) -> None:
    """A callback that was listened to is as it was before."""
    before = dict(vars(evaluate))
    EvaluationWatch(evaluate).remove()

    assert vars(evaluate) == before
