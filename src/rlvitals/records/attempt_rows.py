"""Attempts of an episode: their parameters and outcomes, one row per attempt."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rlvitals.records.coercion import unspelled
from rlvitals.records.objectives import ATTEMPT_NAMES, Objective

Attempt = Mapping[str, Any]
PARAMETERS = "parameters"

_decode = msgspec.json.Decoder(list[dict[str, Any]]).decode


class AttemptRow(NamedTuple):
    """One attempt: its parameters and its numbers by the name of the objective."""

    parameters: Mapping[str, Any]
    outcomes: Mapping[str, float]


def rows_of(attempts: Sequence[Attempt]) -> list[AttemptRow]:
    """Return the attempts that report parameters, in order. Booleans and texts are not outcomes."""
    rows = []
    for attempt in attempts:
        parameters = attempt.get(PARAMETERS)
        if isinstance(parameters, Mapping) and parameters:
            numbers = ((ATTEMPT_NAMES.get(name, name), _number(value)) for name, value in attempt.items())
            outcomes = {name: number for name, number in numbers if number is not None}
            rows.append(AttemptRow(parameters, outcomes))
    return rows


def decoded_attempts(text: str | None) -> list[dict[str, Any]]:
    """Return the attempts in a cell of the column `attempts`."""
    attempts: list[dict[str, Any]] = unspelled(_decode(text)) if text else []
    return attempts


def best_of(attempts: Sequence[Attempt]) -> Attempt:
    """Return the attempt with the highest reward, the first of equals. Without rewards, return the first attempt."""
    best, highest = attempts[0], float("-inf")
    for attempt in attempts:
        reward = _number(attempt.get("reward"))
        if reward is not None and reward > highest:
            best, highest = attempt, reward
    return best


def episode_value(
    objective: Objective, extra: Mapping[str, Any] | None, attempts: Sequence[Attempt] | None
) -> float | None:
    """Return the value of a custom objective in an episode, `None` if it was not reported.

    It is the entry of `extra`, otherwise that of the best attempt.
    """
    value = (extra or {}).get(objective.name)
    if value is None and attempts:
        value = best_of(attempts).get(objective.name)
    return _number(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
