"""Rules about the parameters that a policy chooses: at a bound, without effect, or nothing left to win."""

from collections.abc import Iterator

import numpy as np

from rlvitals.diagnosis.attempt_samples import AttemptTable
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import INFO
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.formatting import count, number, percent
from rlvitals.records.objectives import KNOWN, Objective, objectives_of_directions
from rlvitals.stats.parameters.bounds import AtBounds, at_bounds
from rlvitals.stats.parameters.search_progress import SearchProgress, search_progress
from rlvitals.stats.parameters.total_effects import NEGLIGIBLE, TotalEffect, total_effects

_STARTED = Threshold(
    0.25, "%", "Budget before which the rule does not fire, because the policy still explores at random."
)
_FEWEST_AT_BOUND = Threshold(100, "attempts", "Minimum number of recent attempts.")
_FEWEST_FOR_EFFECTS = Threshold(500, "attempts", "Minimum number of sampled attempts.")
_HALFWAY = Threshold(0.5, "%", "Budget before which the rule does not fire.")
_EVEN = Threshold(0.5, "", "Probability that a recent attempt beats an earlier one, without progress.")
_MOST_LATER = Threshold(
    0.6, "", "Largest possible probability that a recent attempt beats an earlier one: upper end of its interval."
)
_LEAST_LATER = Threshold(0.45, "", "Probability below which recent attempts are worse, which is another problem.")
_MOST_GAIN = Threshold(
    0.2, "standard deviations", "Largest possible gain from better parameters: upper end of its interval."
)
_LEAST_SPREAD = Threshold(0.05, "%", "Spread of the median parameter above which exploration continues.")
_MOST_NAMED = 4
_SURE = 0.9
_REPEATED = 0.05
"""Growth of the run after which values at a bound are counted again."""


@rule(
    "parameter-at-bound",
    title="Parameter at the end of its range",
    meaning="The values of a parameter in the last quarter of the run pile up at an end of its range: their share "
    "there exceeds that of evenly used values by more than a quarter, beyond chance "
    "(`rlvitals.stats.parameters.bounds`). The range is `parameter_bounds` in the configuration; without it, nothing "
    f"is reported. At most 1,024 attempts are used, and at least {_FEWEST_AT_BOUND}, from {_STARTED} of the budget. "
    "Without attempts, episodes count.",
    cause="The best value is at the end of the range or beyond, or the policy's output is clipped there.",
    advice="Widen the range if the tool allows it. Otherwise fix the parameter at that end and drop it from the action "
    "space, so that the policy has less to learn.",
    source="Wilson 1927, Probable Inference; Fujita and Maeda 2018, Clipped Action Policy Gradient",
    series=("episodes.parameters",),
)
def _parameter_at_bound(evidence: Evidence) -> RuleResult | None:
    if not evidence.context.parameter_bounds or not evidence.past(_STARTED):
        return None
    what, found = evidence.attempts.cached("bounds", lambda: _pinned_of(evidence), growth=_REPEATED)
    if not found:
        return None
    texts = [f"{_end_text(one)} in {percent(_share_at_bound(one))}" for one in found[:_MOST_NAMED]]
    more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    ranges = "its range" if len(found) == 1 else "their ranges"
    return RuleResult(
        INFO,
        confidence=min(_SURE, _share_at_bound(found[0])),
        evidence={one.name: _share_at_bound(one) for one in found},
        title=f"{_named([one.name for one in found])} at the end of {ranges}",
        cause=f"{'; '.join(texts)} {what}{more}. The best value is there or beyond, or the policy's output is clipped.",
    )


@rule(
    "parameter-without-effect",
    title="Parameter without effect",
    meaning=f"A parameter explains less than {percent(NEGLIGIBLE)} of the variance of every objective, alone and in "
    "pairs with others: the upper end of each 95 % interval is below that (`rlvitals.stats.parameters.total_effects`), "
    "although its standard deviation is at least a tenth of its range. Attempts are compared within their episode, "
    "otherwise within their category. At most about 4,096 evenly spaced attempts are used, and at least "
    f"{_FEWEST_FOR_EFFECTS}. Without attempts, episodes of one step count. The analysis is repeated when the run has "
    "grown by a quarter.",
    cause="The outcome does not depend on this parameter in the range that was tried.",
    advice="Fix the parameter at its default and remove it from the action space. Fewer dimensions are learned faster.",
    source="Sobol 1993, Sensitivity Estimates; Andrychowicz et al. 2021, What Matters in On-Policy RL",
    series=("episodes.parameters",),
)
def _parameter_without_effect(evidence: Evidence) -> RuleResult | None:
    effects = evidence.attempts.cached("effects", lambda: _effects_of(evidence))
    dull = {name: max(one.high for one in found) for name, found in effects.items() if _is_negligible(found)}
    if not dull:
        return None
    names = list(dull)
    outcomes = len(next(iter(effects.values())))
    what = "the objective" if outcomes == 1 else f"any of the {outcomes} objectives"
    return RuleResult(
        INFO,
        confidence=0.8,
        evidence={name: max(0.0, high) for name, high in dull.items()},
        title=f"{_named(names)} without effect",
        cause=f"{_named(names)} {'explains' if len(names) == 1 else 'explain'} at most "
        f"{percent(max(0.0, *dull.values()), 2)} of the variance of {what}.",
    )


@rule(
    "search-exhausted",
    title="Nothing left to win with these parameters",
    meaning="Exploration continues, but finds nothing better. Attempts of the last third are as good as those of the "
    "middle third of the same category: the interval of the probability that one beats the other includes one half "
    f"and ends below {_MOST_LATER}. No move of the parameters by up to one standard deviation promises more: the "
    f"interval of its gain ends below {_MOST_GAIN} of an attempt's outcome "
    f"(`rlvitals.stats.parameters.search_progress`). The median spread of the parameters is at least {_LEAST_SPREAD} "
    f"of their range. This holds for the reward, from {_HALFWAY} of the budget and 400 attempts. The analysis is "
    "repeated when the run has grown by a quarter.",
    cause="The policy is where the tried parameters are best, or the parameters do not matter.",
    advice="Stop, or extend the action space: new parameters, wider ranges, other steps around the tool. Or change the "
    "objective. Training longer will not help.",
    source="Mann and Whitney 1947; Jones et al. 1998, Efficient Global Optimization (stopping by expected improvement)",
    series=("episodes.reward", "episodes.parameters"),
)
def _search_exhausted(evidence: Evidence) -> RuleResult | None:
    if not evidence.past(_HALFWAY):
        return None
    found = evidence.attempts.cached("progress", lambda: _progress_of(evidence))
    if found is None or not is_exhausted(found):
        return None
    return RuleResult(
        INFO,
        confidence=0.6,
        evidence={"later_is_better": found.later.estimate, "gain_at_most": found.gain.high, "spread": found.spread},
        cause=f"A recent attempt beats an earlier one with a probability of {percent(found.later.estimate)}. Better "
        f"parameters would gain at most {number(max(0.0, found.gain.high), 2)} standard deviations of an attempt.",
    )


def is_exhausted(found: SearchProgress) -> bool:
    """Return whether a search continues without finding anything better and without a direction that promises more."""
    later = found.later
    is_level = later.low < _EVEN and later.high < _MOST_LATER and later.estimate > _LEAST_LATER
    return is_level and found.gain.high < _MOST_GAIN and found.spread >= _LEAST_SPREAD


def _pinned_of(evidence: Evidence) -> tuple[str, list[AtBounds]]:
    """Return which rows were used, and the parameters at a bound, with the largest share first."""
    table = evidence.attempts.recent()
    if table is None or len(table.rows) < _FEWEST_AT_BOUND:
        return "", []
    ends = at_bounds(table.parameters, bounds=dict(evidence.context.parameter_bounds))
    found = [one for one in ends if one.bounded and one.verdict.startswith("pinned")]
    return f"of the last {count(len(table.rows))} {table.unit}s", sorted(found, key=_share_at_bound, reverse=True)


def _effects_of(evidence: Evidence) -> dict[str, list[TotalEffect]]:
    """Return the total effects of each parameter on every objective."""
    table = _comparable(evidence)
    found: dict[str, list[TotalEffect]] = {}
    if table is None or len(table.rows) < _FEWEST_FOR_EFFECTS:
        return found
    for objective in _objectives(evidence, table):
        effects = total_effects(
            table.parameters,
            table.outcome(objective.name),
            np.random.default_rng(0),
            category=table.categories if table.items is None else table.items,
            bounds=dict(evidence.context.parameter_bounds),
            **({} if table.items is None else {"window": _rows_per_item(table)}),
        )
        for effect in effects:
            found.setdefault(effect.name, []).append(effect)
    return found


def _progress_of(evidence: Evidence) -> SearchProgress | None:
    table = _comparable(evidence)
    if table is None:
        return None
    reward = Objective("reward", evidence.context.directions.get("reward", "higher"))
    return search_progress(
        table.parameters,
        reward.sign * table.outcome(reward.name),
        np.random.default_rng(0),
        category=table.categories,
        items=table.items,
        bounds=dict(evidence.context.parameter_bounds),
    )


def _comparable(evidence: Evidence) -> AttemptTable | None:
    """Return the sampled attempts, or episodes of one step. The reward of a longer episode belongs to several steps."""
    table = evidence.attempts.spaced()
    if table is None or (table.unit == "episode" and float(np.nanmedian(table.outcome("length"))) > 1.0):
        return None
    return table


def _objectives(evidence: Evidence, table: AttemptTable) -> Iterator[Objective]:
    reported = {name for row in table.rows for name in row.outcomes}
    for objective in objectives_of_directions(evidence.context.directions, reported):
        is_analysed = objective.name in KNOWN[:-1] or objective.name in evidence.context.directions
        if is_analysed and np.isfinite(table.outcome(objective.name)).sum() >= _FEWEST_FOR_EFFECTS:
            yield objective


def _rows_per_item(table: AttemptTable) -> int:
    assert table.items is not None
    return max(2, int(np.unique(table.items, return_counts=True)[1].max()))


def _is_negligible(found: list[TotalEffect]) -> bool:
    return all(one.verdict == "negligible" for one in found)


def _share_at_bound(found: AtBounds) -> float:
    """Return the larger share at the pinned ends, over all recent attempts or the last quarter of them."""
    lows, highs = (found.share_low, found.late_low), (found.share_high, found.late_high)
    chosen = {"pinned low": lows, "pinned high": highs}.get(found.verdict)
    shares = chosen or tuple(map(sum, zip(lows, highs, strict=True)))
    return float(np.nanmax(shares))


def _end_text(found: AtBounds) -> str:
    if found.verdict == "pinned at both ends":
        return f"{found.name} is at its lowest or highest value ({number(found.low)}, {number(found.high)})"
    end, value = ("lowest", found.low) if found.verdict == "pinned low" else ("highest", found.high)
    return f"{found.name} is at its {end} value ({number(value)})"


def _named(names: list[str]) -> str:
    """Return the first names as text."""
    shown = names[:_MOST_NAMED]
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    *first, last = [*shown, *more]
    return f"{', '.join(first)} and {last}" if first else last
