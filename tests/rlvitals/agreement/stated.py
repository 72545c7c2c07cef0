"""What an output states of a run, as plain facts that can be compared; and how numbers are read from a text."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

NOT_JUDGED = "not judged"
RECENT = 100
"""Episodes of the recent level."""
_DIGITS = 4
"""Digits of a measured value on a screen and in a report."""
_ROUNDING = 1e-9
"""Sums of the same numbers in another order differ by less, as a share of the result."""
_NUMBER = re.compile(r"-?[\d,]*\.?\d+(?:e[+-]?\d+)?", re.IGNORECASE)
_NOT_FINITE = re.compile(r"(?:(none) of the last )?([\d,]+) (?:bad|not finite|non-finite|is finite)")


class Quantity(NamedTuple):
    """A number as an output shows it.

    Attributes:
        value: The number; NaN where the output shows that there is none.
        within: Half a unit of the last digit shown; 0 where every digit is shown.
    """

    value: float
    within: float = 0.0

    def agrees(self, other: "Quantity") -> bool:
        """Tell whether both can be the same number."""
        if math.isnan(self.value) or math.isnan(other.value):
            return math.isnan(self.value) and math.isnan(other.value)
        if math.isinf(self.value) or math.isinf(other.value):
            return self.value == other.value
        rounding = _ROUNDING * max(abs(self.value), abs(other.value))
        return abs(self.value - other.value) <= self.within + other.within + rounding

    def __str__(self) -> str:
        return "none" if math.isnan(self.value) else f"{self.value:.10g}"


class Stated(TypedDict, total=False):
    """What one output states of one run. A fact that it does not show is missing.

    Attributes:
        status: Of the run: completed, running, ...
        episodes: How many were recorded.
        updates: How many were recorded.
        env_step: The furthest environment step.
        goal: Environment steps that the run is to take.
        progress: The share of them that is done.
        speed: Environment steps per second over the run.
        reward: Mean of the recent rewards.
        reward_window: Rewards that this mean is taken over, finite or not.
        reward_not_finite: How many of them are not finite.
        quality: Mean of the recent final qualities.
        quality_gained: Mean of the recent quality improvements.
        length: Mean of the recent lengths.
        success: Share of successes among the recent episodes that reported it.
        success_reported: How many of these reported it.
        trend: Of the reward, recently: improving, stable, declining or not enough data.
        course: Of the reward over the whole run: converged, flat, improving, declining or not enough data.
        title: Of the verdict.
        text: Of the verdict.
        tone: Of the verdict: good, watch, bad or neutral.
        health: The score, 0 to 100, or `NOT_JUDGED`.
        condition: Health in a word: healthy, warning, critical or not judged.
        target: Whether the reward that counts as solved was reached, and held.
    """

    status: str
    episodes: Quantity
    updates: Quantity
    env_step: Quantity
    goal: Quantity
    progress: Quantity
    speed: Quantity
    reward: Quantity
    reward_window: Quantity
    reward_not_finite: Quantity
    quality: Quantity
    quality_gained: Quantity
    length: Quantity
    success: Quantity
    success_reported: Quantity
    trend: str
    course: str
    title: str
    text: str
    tone: str
    health: Quantity | str
    condition: str
    target: str


FACTS = tuple(Stated.__annotations__)
NOTHING = Quantity(math.nan)
"""What an output states that shows that there is no such number."""


def exact(value: Any) -> Quantity:
    """Read a number of a JSON document or a result: `None` and NaN state that there is none."""
    if isinstance(value, str):  # as JSON spells what is not finite
        value = float(value)
    return NOTHING if value is None else Quantity(float(value))


def rounded(text: str, digits: int = _DIGITS) -> Quantity:
    """Read the first number of a text that shows so many digits of it.

    Args:
        text: The text.
        digits: Significant digits; trailing zeros may have been left out. Large numbers are shown whole.
    """
    word = text.split(maxsplit=1)[0] if text.split() else ""
    if word == "-":
        return NOTHING
    if word.lower().lstrip("-") in {"nan", "infinity", "inf"}:
        return Quantity(float(word))
    found = _NUMBER.search(text)
    if found is None:
        return NOTHING
    value = float(found[0].replace(",", ""))
    if value == 0.0:
        return Quantity(0.0)
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    return Quantity(value, 0.5 * (max(1.0, min(unit, 1.0)) if abs(value) >= 1_000 else unit))


def whole(text: str) -> Quantity:
    """Read the first number of a text that shows every digit of it."""
    found = _NUMBER.search(text)
    return NOTHING if found is None else Quantity(float(found[0].replace(",", "")))


def percent(text: str) -> Quantity:
    """Read the first number of a text as per cent; the result is a share of one."""
    found = _NUMBER.search(text)
    if found is None:
        return NOTHING
    decimals = len(found[0].partition(".")[2])
    return Quantity(float(found[0].replace(",", "")) / 100.0, 0.5 * 10.0**-decimals / 100.0)


def window(text: str, episodes: int) -> Quantity:
    """Read a window such as "last 100": a run that has fewer episodes has them all in it."""
    found = re.search(r"last ([\d,]+)", text)
    return NOTHING if found is None else Quantity(min(float(found[1].replace(",", "")), float(episodes)))


def not_finite(text: str) -> Stated:
    """Read how many values are not finite, where a text says so."""
    found = _NOT_FINITE.search(text)
    return {} if found is None else {"reward_not_finite": whole(found[2])}


def share_of_reported(text: str, episodes: int) -> Stated:
    """Read a success rate with how many reported it: "62 % of 34", or "62 %" where all of the window did."""
    if "%" not in text:
        return {"success": NOTHING}
    number_of = re.search(r"of (?:the )?([\d,]+)", text)
    reported = whole(number_of[1]) if number_of else Quantity(float(min(RECENT, episodes)))
    return {"success": percent(text), "success_reported": reported}


def disagreements(answers: Mapping[str, Stated], fact: str) -> list[str]:
    """List the different values of one fact, each with the outputs that state it; empty where all agree.

    Args:
        answers: What each output states.
        fact: Name of the fact.
    """
    groups: list[tuple[Any, list[str]]] = []
    for output, stated in sorted(answers.items(), key=lambda one: _precision(dict(one[1]).get(fact))):
        if fact not in stated:
            continue
        value = dict(stated)[fact]
        outputs = next((outputs for known, outputs in groups if same(known, value)), None)
        if outputs is None:
            groups.append((value, [output]))
        else:
            outputs.append(output)
    return [f"{value}: {', '.join(sorted(outputs))}" for value, outputs in groups] if len(groups) > 1 else []


def same(one: Any, other: Any) -> bool:
    """Tell whether two outputs state the same."""
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return one.agrees(other)
    return bool(one == other)


def _precision(value: Any) -> float:
    return value.within if isinstance(value, Quantity) else 0.0


def finite_mean(values: Iterable[float]) -> Quantity:
    """Take the mean of the finite values, one by one; `NOTHING` where there is none."""
    finite = [value for value in values if math.isfinite(value)]
    return Quantity(math.fsum(finite) / len(finite)) if finite else NOTHING
