from __future__ import annotations

import math

import numpy as np
import pytest

from vtracer_gym.baselines import COMPACT_NAME, DEFAULTS_NAME, FIXED, PIPELINE_NAME, Plain
from vtracer_gym.logo_outcomes import (
    EQUAL,
    FIRST_TRY,
    TUNED,
    LogoEvaluation,
    Outcome,
    methods_of,
    pooled,
    relative_size,
    reward_gain,
    strongest_fixed,
    summarize,
    tries_to_match,
)
from vtracer_gym.pipeline import Settings


def outcome(reward: float = 0.0, difference: float = 0.0, ratio: float = 1.0, sharp: float = 0.8) -> Outcome:
    return Outcome(
        reward=reward,
        quality=0.9 + difference,
        quality_difference=difference,
        detail=0.8,
        sharp=sharp,
        edge_distance=0.1,
        color_error=2.0,
        log_byte_ratio=math.log(ratio),
        size_bytes=1000 * ratio,
    )


def evaluation(name: str, *curve: float, **outcomes: Outcome) -> LogoEvaluation:
    named = {FIRST_TRY if method == "agent" else method: one for method, one in outcomes.items()}
    return LogoEvaluation(name, "simple", named, np.array(curve or [0.0]))


def test_byte_ratio_is_a_geometric_mean() -> None:
    """Half and double the bytes cancel out."""
    rows = [evaluation("a", agent=outcome(ratio=0.5)), evaluation("b", agent=outcome(ratio=2.0))]
    summary = summarize(rows, FIRST_TRY)

    assert summary.byte_ratio.mean == pytest.approx(1.0)
    assert summary.byte_ratio.low <= 1.0 <= summary.byte_ratio.high
    assert summary.size_bytes == pytest.approx(1000.0)


def test_worse_is_a_visible_loss() -> None:
    """A logo counts as worse if the SSIM is lower by more than 0.001."""
    rows = [evaluation(str(loss), agent=outcome(difference=-loss)) for loss in (-0.1, 0.0, 0.0009, 0.0011)]
    summary = summarize(rows, FIRST_TRY)

    assert (summary.worse, summary.logos, summary.worse_share) == (1, 4, 0.25)


def test_sharpness_is_known_for_all_logos_or_for_none() -> None:
    """One logo with a small source makes the mean unknown."""
    rows = [evaluation("a", agent=outcome()), evaluation("b", agent=outcome(sharp=math.nan))]

    assert summarize(rows[:1], FIRST_TRY).sharp == 0.8
    assert math.isnan(summarize(rows, FIRST_TRY).sharp)


def test_gain_is_paired_by_logo() -> None:
    """A constant gain is certain, however much the logos differ."""
    rows = [evaluation(str(level), agent=outcome(level + 0.5), start=outcome(level)) for level in (-2.0, 0.0, 4.0)]
    gain = reward_gain(rows, FIRST_TRY, "start")

    assert (gain.mean, gain.low, gain.high) == (0.5, 0.5, 0.5)


def test_relative_size_is_paired_by_logo() -> None:
    """A method with half the bytes on every logo has ratio 0.5, whatever their sizes."""
    rows = [evaluation(str(ratio), agent=outcome(ratio=ratio / 2), start=outcome(ratio=ratio)) for ratio in (0.2, 1.5)]

    assert relative_size(rows, FIRST_TRY, "start").mean == pytest.approx(0.5)


def test_strongest_fixed_setting_has_the_highest_reward() -> None:
    """Only fixed settings of the pipeline count, and a missing one is left out."""
    outcomes = {FIRST_TRY: outcome(9.0), TUNED: outcome(0.1), EQUAL: outcome(0.2), PIPELINE_NAME: outcome(0.0)}

    assert strongest_fixed([LogoEvaluation("a", "simple", outcomes, np.zeros(1))]) == EQUAL
    assert strongest_fixed([evaluation("a", agent=outcome())]) is None


def test_methods_were_evaluated_on_every_logo() -> None:
    """A method that is missing for one logo is left out."""
    rows = [evaluation("a", agent=outcome(), other=outcome()), evaluation("b", agent=outcome())]

    assert methods_of(rows) == [FIRST_TRY]


def test_pooling_counts_a_logo_once() -> None:
    """A logo in the evaluations of two seeds becomes one row with the mean, over the methods of both seeds."""
    first = [evaluation("a", 1.0, agent=outcome(1.0), more=outcome()), evaluation("b", 5.0, agent=outcome(5.0))]
    second = [evaluation("a", 3.0, agent=outcome(3.0))]
    rows = pooled([first, second])

    assert [(row.logo, row.outcomes[FIRST_TRY].reward, row.search_curve[0]) for row in rows] == [
        ("a", 2.0, 2.0),
        ("b", 5.0, 5.0),
    ]
    assert list(rows[0].outcomes) == [FIRST_TRY]


@pytest.mark.parametrize(("reward", "tries"), [(0.5, 1), (1.0, 2), (1.4, 3), (1.6, None)])
def test_tries_to_match(reward: float, tries: int | None) -> None:
    """The result is the first number of tries with a mean reward of at least the agent's, or None."""
    rows = [
        evaluation("a", 0.0, 0.5, 1.0, agent=outcome(reward)),
        evaluation("b", 1.0, 1.5, 2.0, agent=outcome(reward)),
    ]

    assert tries_to_match(rows) == tries


def test_names_of_baselines() -> None:
    """The names with a special meaning belong to the defaults, their compact form and the default setting."""
    assert [FIXED[name] for name in (DEFAULTS_NAME, COMPACT_NAME, PIPELINE_NAME)] == [
        Plain(),
        Plain(compact=True),
        Settings(),
    ]
