"""How episodes begin and end, and which kinds of them succeed."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.rules.returns import NEARLY_OVER, has_not_risen, same_returns
from rlvitals.diagnosis.rules.rule import Sign, rule

_MANY = 50


@rule(
    "episodes-of-length-one",
    title="Episodes of one step",
    meaning="The last 50 episodes or more have one step each, though longer ones were seen: in training at first, "
    "or in evaluations. Tasks of which every episode has one step are healthy; so are agents that end episodes at "
    "once in evaluations, too.",
    needs=("episodes.length",),
    series=("episodes.length", "evaluations.length"),
    cause="The environment is done at once after its first episode: it is not reset, or reset does not clear its "
    "state.",
    advice="Check that `reset` is called and puts everything back, and what `step` returns right after it.",
    source="By definition; Gymnasium API: step after the end of an episode is undefined without reset",
)
def _episodes_of_length_one(evidence: Evidence) -> Sign | None:
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
        share = signals.share_of(episodes, "length", last=0.2)
        if not longer or not share < 1.05 or signals.early(episodes, "length") < 2.0:  # noqa: PLR2004 - nearly all of them
            return None
    steps = episodes.low("step")
    began = float(steps[len(steps) - rows]) if rows else float(steps[-1])
    later = evidence.evaluations.mean("length")[evidence.evaluations.mean("step") > began]
    if np.isfinite(later).any() and float(np.nanmax(later)) <= 1.05:  # noqa: PLR2004 - the agent itself ends them
        return None
    shown = {"episodes_of_one_step": ones, "longest": float(longest.max())}
    return Sign(CRITICAL, 0.96, shown, began)


@rule(
    "truncation-as-termination",
    title="The time limit is taken for an end",
    meaning="Five episodes or more ended at exactly the same, greatest length (20 steps or more), all episodes are "
    "said to have terminated, and none to have been truncated. Or, as a guess, and from 90 % of the budget: every "
    "episode is cut off by the time limit, returns do not rise, and the critic explains little.",
    needs=("episodes.length", "episodes.terminated|episodes.truncated"),
    series=("episodes.length", "episodes.termination_reason", "updates.explained_variance"),
    cause="Where an episode is cut off, its last state is valued at zero: the critic learns that good states are "
    "worthless.",
    advice="Return `truncated=True` at the time limit (Gymnasium's `TimeLimit` does), and bootstrap from the last "
    "state.",
    source="Pardo et al. 2018, Time Limits in Reinforcement Learning; Gymnasium: terminated and truncated",
)
def _truncation_as_termination(evidence: Evidence) -> Sign | None:
    episodes = evidence.episodes
    if episodes.records < 5 or not len(episodes):  # noqa: PLR2004 - see the rule's meaning
        return None
    longest = float(episodes.high("length").max())
    at_limit = (episodes.low("length") == longest) & (episodes.said("length") > 0)
    count = int(episodes.said("length")[at_limit].sum())
    exact = episodes.low("length")[episodes.low("length") == episodes.high("length")]
    kinds = int(np.unique(exact).size)
    # Of lengths that lie anywhere, the greatest comes no more often than others do.
    piled = kinds == 1 or count > 3.0 * exact.size * episodes.block / max(1, kinds)
    ended = signals.share_of(episodes, "terminated")
    if piled and longest >= 20.0 and count >= 5 and ended == 1.0 and not signals.share_of(episodes, "truncated") > 0.0:  # noqa: PLR2004
        sure = evidence.settings.max_episode_steps == longest
        shown = {"length": longest, "episodes_at_that_length": count}
        return Sign(WARNING, 0.97 if sure else 0.9, shown, float(episodes.low("step")[int(at_limit.argmax())]))
    return _unbootstrapped(evidence)


def _unbootstrapped(evidence: Evidence) -> Sign | None:
    from_limit = signals.share_of(evidence.episodes, "truncated") == 1.0
    smooth = signals.explained(evidence)
    if not from_limit or smooth.size < signals.FEWEST_UPDATES or not evidence.past(NEARLY_OVER):
        return None
    if not has_not_risen(evidence) or same_returns(evidence) > 0.3:  # noqa: PLR2004 - else there is little to explain
        return None
    gamma = evidence.settings.gamma
    follows = signals.values(evidence.updates, "return_mean")
    if float(np.median(smooth)) < 0.3 and 0.5 < (gamma or math.nan) < 1.0 and follows.size > 20:  # noqa: PLR2004 - no help
        grows = abs(float(np.median(follows[-5:]))) > 1.5 * abs(float(np.median(follows[:5])))
        value = signals.critic_offset(evidence)
        if grows and not value > 0.8 and float(np.abs(smooth).max()) > 0.02:  # noqa: PLR2004 - a critic that is alive
            return Sign(WARNING, 0.45, {"explained_variance": float(np.median(smooth))}, None)
    return None


@rule(
    "category-neglected",
    title="A category never succeeds",
    meaning="In the second half of the episodes so far, a category succeeds less than a quarter as often as the "
    "others together, which succeed in a fifth of their episodes or more; and if it succeeded half as often as they "
    "do, so few successes would have come with a probability below 0.5 %.",
    needs=("categories", "episodes.success"),
    series=("episodes.category", "episodes.success"),
    cause="The category is too rare, too hard, or wants the opposite of the others; or the agent cannot see which "
    "one it is.",
    advice="Show the agent the category, balance how often each comes, and look at the rewards of this one alone.",
    source="By definition; exact binomial test",
)
def _category_neglected(evidence: Evidence) -> Sign | None:
    from_step = 0.5 * evidence.env_step
    counts: dict[str, tuple[float, float]] = {}
    for name, table in evidence.categories.items():
        late = table.low("step") > from_step
        counts[name] = (float(table.total("success")[late].sum()), float(table.said("success")[late].sum()))
    worst: tuple[float, str, float, float] | None = None
    for name, (successes, tried) in counts.items():
        others = [counts[other] for other in counts if other != name]
        total = sum(count for _, count in others)
        if tried < 10 or total < _MANY:  # noqa: PLR2004 - too few to say anything
            continue
        rate = sum(count for count, _ in others) / total
        if rate < 0.2 or successes / tried >= 0.25 * rate:  # noqa: PLR2004 - see the rule's meaning
            continue
        chance = _binomial_tail(int(successes), int(tried), 0.5 * rate)
        if chance < 0.005 and (worst is None or chance < worst[0]):  # noqa: PLR2004 - see the rule's meaning
            worst = (chance, name, successes / tried, rate)
    if worst is None:
        return None
    _, name, own, rate = worst
    shown = {"category": name, "success_rate": own, "success_rate_of_others": rate}
    return Sign(
        WARNING, 0.92, shown, from_step, f"The category {name!r} succeeds in {own:.0%}, the others in {rate:.0%}."
    )


def _binomial_tail(most: int, number: int, probability: float) -> float:
    """The probability of at most so many successes."""
    logs = [
        math.lgamma(number + 1)
        - math.lgamma(k + 1)
        - math.lgamma(number - k + 1)
        + k * math.log(probability)
        + (number - k) * math.log1p(-probability)
        for k in range(min(most, 5_000) + 1)
    ]
    return math.fsum(math.exp(value) for value in logs)
