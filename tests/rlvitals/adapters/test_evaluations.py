"""Evaluation callbacks among the callbacks of a training."""

from typing import Any

import pytest
from stable_baselines3.common.callbacks import CallbackList, EvalCallback, EveryNTimesteps
from stable_baselines3.common.monitor import Monitor

from rlvitals.adapters.evaluations import EvaluationWatch, evaluations_in


@pytest.fixture
def evaluate(walk: Any) -> EvalCallback:
    return EvalCallback(Monitor(walk()), verbose=0)


def test_nested_evaluations_are_found(evaluate: EvalCallback) -> None:
    """Evaluations are found in lists, in nested lists and inside event callbacks."""
    nested = CallbackList([CallbackList([evaluate]), EveryNTimesteps(10, evaluate)])

    assert list(evaluations_in(nested)) == [evaluate, evaluate]
    assert list(evaluations_in(None)) == []


def test_removing_a_watch_restores_the_callback(evaluate: EvalCallback) -> None:
    """A callback is unchanged after its watch is removed."""
    before = dict(vars(evaluate))
    EvaluationWatch(evaluate).remove()

    assert vars(evaluate) == before
