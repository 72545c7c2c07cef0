"""Rules about how episodes start and end, and which categories of them succeed."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.rules.return_history import LAST_FIFTH, NEARLY_OVER, has_not_risen, same_returns
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_MANY = Threshold(50, "episodes", "Number of episodes, in a row or of all other categories, that is beyond chance.")
_ONE_STEP = Threshold(1.05, "steps", "Mean length up to which nearly all episodes have one step.")
_LONGER_AT_FIRST = Threshold(2.0, "steps", "Length of the first episodes below which they were short from the start.")
_FEWEST_AT_LIMIT = Threshold(5, "episodes", "Minimum number of episodes that ended at exactly the greatest length.")
_SHORTEST_LIMIT = Threshold(20.0, "steps", "Greatest length below which it is not a time limit.")
_PILED = Threshold(
    3.0, "times", "Frequency of the greatest length, relative to other lengths, above which it is a limit."
)
_SAME_RETURNS = Threshold(
    0.3, "%", "Share of episodes with the same, lowest return above which there is little to explain."
)
_EXPLAINS_LITTLE = Threshold(0.3, "", "Median explained variance below which the critic explains little.")
_SHORT_SIGHTED = Threshold(0.5, "", "Discount up to which bootstrapping has little effect.")
_LONG_RUN = Threshold(20, "updates", "Number of updates with a mean return above which its growth can be measured.")
_GROWTH = Threshold(1.5, "times", "Growth of the mean return above which values leak.")
_FOLLOWS = Threshold(
    0.8, "", "Mean advantage relative to its standard deviation above which the critic itself is wrong."
)
_ALIVE = Threshold(0.02, "", "Explained variance that a working critic has reached.")
_LATE = Threshold(0.5, "%", "Share of the steps so far after which categories are compared.")
_FEWEST_TRIED = Threshold(10, "episodes", "Minimum number of episodes of a category.")
_OTHERS_SUCCEED = Threshold(0.2, "%", "Minimum success rate of the other categories.")
_NEGLECTED = Threshold(0.25, "%", "Share of the success rate of the others below which a category is neglected.")
_HALF_AS_GOOD = Threshold(0.5, "%", "Share of the success rate of the others that the test assumes.")
_CHANCE = Threshold(0.005, "%", "Probability of that few successes, at the assumed rate, below which it is not chance.")
_MOST_TERMS = 5_000


@rule(
    "episodes-of-length-one",
    title="Episodes of one step",
    meaning=f"The last {_MANY} or more have one step each, although longer ones occurred earlier in training or in "
    "evaluations. Tasks in which every episode has one step are healthy. So are agents whose evaluation episodes "
    "also end after one step.",
    needs=("episodes.length",),
    series=("episodes.length", "evaluations.length"),
    cause="After its first episode, the environment is done immediately: it is not reset, or `reset` does not "
    "clear its state.",
    advice="Check that `reset` is called and restores the full state. Check what `step` returns right after it.",
    source="By definition; Gymnasium API: step after the end of an episode is undefined without reset",
)
def _episodes_of_length_one(evidence: Evidence) -> RuleResult | None:
    episodes = evidence.episodes
    if episodes.records < _MANY:
        return None
    longest = episodes.high("length")
    short = longest <= 1.0
    rows = int(short[::-1].cumprod().sum())
    ones = rows * episodes.block
    longer = float(longest.max()) > 1.0
    evaluated = signals.values(evidence.evaluations, "length")
    if ones < _MANY or not (longer or (evaluated.size and float(evaluated.max()) > 1.0)):
        share = signals.share_of(episodes, "length", last=LAST_FIFTH)
        if not longer or not share < _ONE_STEP or signals.early(episodes, "length") < _LONGER_AT_FIRST:
            return None
    steps = episodes.low("step")
    began = float(steps[len(steps) - rows]) if rows else float(steps[-1])
    later = evidence.evaluations.mean("length")[evidence.evaluations.mean("step") > began]
    if np.isfinite(later).any() and float(np.nanmax(later)) <= _ONE_STEP:
        return None
    shown = {"episodes_of_one_step": ones, "longest": float(longest.max())}
    return RuleResult(CRITICAL, 0.96, shown, began)


@rule(
    "truncation-as-termination",
    title="Time limit treated as termination",
    meaning=f"{_FEWEST_AT_LIMIT} or more ended at exactly the same, greatest length ({_SHORTEST_LIMIT} or more). "
    f"All episodes are reported as terminated, and none as truncated. From {NEARLY_OVER} of the budget, the rule "
    "also warns, with low confidence, if the time limit truncates every episode, returns have not risen, and "
    "explained variance is low.",
    needs=("episodes.length", "episodes.terminated|episodes.truncated"),
    series=("episodes.length", "episodes.termination_reason", "updates.explained_variance"),
    cause="The last state of a truncated episode is valued at zero, so the critic learns that good states are "
    "worthless.",
    advice="Return `truncated=True` at the time limit, as Gymnasium's `TimeLimit` does. Bootstrap from the last state.",
    source="Pardo et al. 2018, Time Limits in Reinforcement Learning; Gymnasium: terminated and truncated",
)
def _truncation_as_termination(evidence: Evidence) -> RuleResult | None:
    episodes = evidence.episodes
    if episodes.records < _FEWEST_AT_LIMIT or not len(episodes):
        return None
    longest = float(episodes.high("length").max())
    at_limit = (episodes.low("length") == longest) & (episodes.said("length") > 0)
    count = int(episodes.said("length")[at_limit].sum())
    exact = episodes.low("length")[episodes.low("length") == episodes.high("length")]
    kinds = int(np.unique(exact).size)
    # Without a time limit, the greatest length is no more frequent than others.
    piled = kinds == 1 or count > _PILED * exact.size * episodes.block / max(1, kinds)
    ended = signals.share_of(episodes, "terminated")
    piled = piled and longest >= _SHORTEST_LIMIT and count >= _FEWEST_AT_LIMIT
    if piled and ended == 1.0 and not signals.share_of(episodes, "truncated") > 0.0:
        sure = evidence.settings.max_episode_steps == longest
        shown = {"length": longest, "episodes_at_that_length": count}
        return RuleResult(WARNING, 0.97 if sure else 0.9, shown, float(episodes.low("step")[int(at_limit.argmax())]))
    return _unbootstrapped(evidence)


def _unbootstrapped(evidence: Evidence) -> RuleResult | None:
    from_limit = signals.share_of(evidence.episodes, "truncated") == 1.0
    smooth = signals.explained(evidence)
    if not from_limit or smooth.size < signals.FEWEST_UPDATES or not evidence.past(NEARLY_OVER):
        return None
    if not has_not_risen(evidence) or same_returns(evidence) > _SAME_RETURNS:
        return None
    gamma = evidence.settings.gamma
    follows = signals.values(evidence.updates, "return_mean")
    sighted = _SHORT_SIGHTED < (gamma or math.nan) < 1.0
    if float(np.median(smooth)) < _EXPLAINS_LITTLE and sighted and follows.size > _LONG_RUN:
        few = int(signals.FEWEST_EARLY)
        grows = abs(float(np.median(follows[-few:]))) > _GROWTH * abs(float(np.median(follows[:few])))
        value = signals.critic_offset(evidence)
        if grows and not value > _FOLLOWS and float(np.abs(smooth).max()) > _ALIVE:
            return RuleResult(WARNING, 0.45, {"explained_variance": float(np.median(smooth))}, None)
    return None


@rule(
    "category-neglected",
    title="Neglected category",
    meaning=f"In the second half of the steps so far, a category succeeds less than {_NEGLECTED} as often as the "
    f"others together. The others succeed in {_OTHERS_SUCCEED} of their episodes or more. If the category succeeded "
    f"half as often as the others, that few successes would have a probability below {_CHANCE}.",
    needs=("categories", "episodes.success"),
    series=("episodes.category", "episodes.success"),
    cause="The category is too rare, too hard or in conflict with the others, or the agent cannot observe it.",
    advice="Include the category in the observation, and balance how often each category occurs. Check the rewards "
    "of this category separately.",
    source="By definition; exact binomial test",
)
def _category_neglected(evidence: Evidence) -> RuleResult | None:
    from_step = _LATE * evidence.env_step
    counts: dict[str, tuple[float, float]] = {}
    for name, table in evidence.categories.items():
        late = table.low("step") > from_step
        counts[name] = (float(table.total("success")[late].sum()), float(table.said("success")[late].sum()))
    worst: tuple[float, str, float, float] | None = None
    for name, (successes, tried) in counts.items():
        others = [counts[other] for other in counts if other != name]
        total = sum(count for _, count in others)
        if tried < _FEWEST_TRIED or total < _MANY:
            continue
        rate = sum(count for count, _ in others) / total
        if rate < _OTHERS_SUCCEED or successes / tried >= _NEGLECTED * rate:
            continue
        chance = _binomial_tail(int(successes), int(tried), _HALF_AS_GOOD * rate)
        if chance < _CHANCE and (worst is None or chance < worst[0]):
            worst = (chance, name, successes / tried, rate)
    if worst is None:
        return None
    _, name, own, rate = worst
    shown = {"category": name, "success_rate": own, "success_rate_of_others": rate}
    return RuleResult(
        WARNING,
        0.92,
        shown,
        from_step,
        f"The category {name!r} succeeds in {own:.0%} of its episodes, the others in {rate:.0%}.",
    )


def _binomial_tail(most: int, number: int, probability: float) -> float:
    """Return the probability of at most that many successes."""
    logs = [
        math.lgamma(number + 1)
        - math.lgamma(k + 1)
        - math.lgamma(number - k + 1)
        + k * math.log(probability)
        + (number - k) * math.log1p(-probability)
        for k in range(min(most, _MOST_TERMS) + 1)
    ]
    return math.fsum(math.exp(value) for value in logs)
