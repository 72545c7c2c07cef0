"""Comparable facts that outputs state about a run, and parsing of numbers in texts."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

NOT_JUDGED = "not judged"
RECENT = 100
"""Number of episodes in the recent window."""
_DIGITS = 4
"""Significant digits of a measured value on a screen and in a report."""
_ROUNDING = 1e-9
"""Maximum relative difference between sums of the same numbers in different order."""
_NUMBER = re.compile(r"-?[\d,]*\.?\d+(?:e[+-]?\d+)?", re.IGNORECASE)
_NOT_FINITE = re.compile(r"(?:(none) of the last )?([\d,]+) (?:bad|not finite|non-finite|is finite)")


class Quantity(NamedTuple):
    """A number as an output shows it.

    Attributes:
        value: The number. NaN if the output shows no value.
        within: Half a unit of the last digit shown. 0 if every digit is shown.
    """

    value: float
    within: float = 0.0

    def agrees(self, other: "Quantity") -> bool:
        """Return whether both can be the same number."""
        if math.isnan(self.value) or math.isnan(other.value):
            return math.isnan(self.value) and math.isnan(other.value)
        if math.isinf(self.value) or math.isinf(other.value):
            return self.value == other.value
        rounding = _ROUNDING * max(abs(self.value), abs(other.value))
        return abs(self.value - other.value) <= self.within + other.within + rounding

    def __str__(self) -> str:
        return "none" if math.isnan(self.value) else f"{self.value:.10g}"


class Stated(TypedDict, total=False):
    """Facts that one output states about one run. A fact that is not shown is missing.

    Attributes:
        status: Status of the run: completed, running, ...
        episodes: Number of recorded episodes.
        updates: Number of recorded updates.
        env_step: Highest environment step.
        goal: Training budget in environment steps.
        progress: Completed share of the budget.
        speed: Environment steps per second over the run.
        reward: Mean of the recent rewards.
        reward_window: Number of rewards in this window, finite or not.
        reward_not_finite: Number of non-finite rewards in this window.
        quality: Mean of the recent final qualities.
        quality_gained: Mean of the recent quality improvements.
        length: Mean of the recent lengths.
        success: Success rate of the recent episodes that reported it.
        success_reported: Number of recent episodes that reported success.
        trend: Recent trend of the reward: improving, stable, declining or not enough data.
        course: Reward over the whole run: converged, flat, improving, declining or not enough data.
        title: Title of the verdict.
        text: Text of the verdict.
        next: Advice of the verdict, without spaces and punctuation.
        tone: Tone of the verdict: good, watch, bad or neutral.
        health: Health score, 0 to 100, or `NOT_JUDGED`.
        condition: Health in a word: healthy, warning, critical or not judged.
        target: Whether the target reward was reached and held.
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
    next: str
    tone: str
    health: Quantity | str
    condition: str
    target: str


FACTS = tuple(Stated.__annotations__)
NOTHING = Quantity(math.nan)
"""Value of an output that shows that there is no number."""


def letters(text: str) -> str:
    """Return the letters and digits of a text, which are the same in every markup."""
    return "".join(filter(str.isalnum, text))


def exact(value: Any) -> Quantity:
    """Read a number from a JSON document or a result. `None` and NaN mean that there is no value."""
    if isinstance(value, str):  # JSON spelling of non-finite numbers
        value = float(value)
    return NOTHING if value is None else Quantity(float(value))


def rounded(text: str, digits: int = _DIGITS) -> Quantity:
    """Read the first number in a text that shows a given number of digits.

    Args:
        text: Text to parse.
        digits: Significant digits. Trailing zeros can be missing. Large numbers are shown in full.
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
    """Read the first number in a text that shows every digit."""
    found = _NUMBER.search(text)
    return NOTHING if found is None else Quantity(float(found[0].replace(",", "")))


def percent(text: str) -> Quantity:
    """Read the first number in a text as a percentage. Return it as a share of one."""
    found = _NUMBER.search(text)
    if found is None:
        return NOTHING
    decimals = len(found[0].partition(".")[2])
    return Quantity(float(found[0].replace(",", "")) / 100.0, 0.5 * 10.0**-decimals / 100.0)


def window(text: str, episodes: int) -> Quantity:
    """Read a window such as "last 100". In a run with fewer episodes, the window has all of them."""
    found = re.search(r"last ([\d,]+)", text)
    return NOTHING if found is None else Quantity(min(float(found[1].replace(",", "")), float(episodes)))


def not_finite(text: str) -> Stated:
    """Read the number of non-finite values, if a text shows it."""
    found = _NOT_FINITE.search(text)
    return {} if found is None else {"reward_not_finite": whole(found[2])}


def share_of_reported(text: str, episodes: int) -> Stated:
    """Read a success rate with the number of reporting episodes: "62 % of 34", or "62 %" if all of them report."""
    if "%" not in text:
        return {"success": NOTHING}
    number_of = re.search(r"of (?:the )?([\d,]+)", text)
    reported = whole(number_of[1]) if number_of else Quantity(float(min(RECENT, episodes)))
    return {"success": percent(text), "success_reported": reported}


def disagreements(answers: Mapping[str, Stated], fact: str) -> list[str]:
    """List the different values of one fact, each with the outputs that state it. Empty if all agree.

    Args:
        answers: Facts that each output states.
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
    """Return whether two outputs state the same value."""
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return one.agrees(other)
    return bool(one == other)


def _precision(value: Any) -> float:
    return value.within if isinstance(value, Quantity) else 0.0


def finite_mean(values: Iterable[float]) -> Quantity:
    """Return the mean of the finite values in order, or `NOTHING` without any."""
    finite = [value for value in values if math.isfinite(value)]
    return Quantity(math.fsum(finite) / len(finite)) if finite else NOTHING
