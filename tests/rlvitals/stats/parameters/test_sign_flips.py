"""Sign-flip tests and their adjusted p-values."""

from itertools import product

import numpy as np
import pytest

from rlvitals.stats.parameters.sign_flips import ParameterQuestion, answer


def question(scores: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> ParameterQuestion:
    return ParameterQuestion(scores.sum(axis=0), scores, np.eye(scores.shape[1]))


def test_the_p_value_matches_all_sign_patterns() -> None:
    """20000 draws give nearly the same p-value as all 2^8 sign patterns."""

    scores = np.random.default_rng(1).normal(size=(8, 2)) + 0.4
    seen = float((scores.sum(axis=0) ** 2).sum())
    exact = np.mean([float(((np.array(s) @ scores) ** 2).sum()) >= seen - 1e-9 for s in product((-1.0, 1.0), repeat=8)])
    found = answer([question(scores)], np.random.default_rng(0), 20_000)
    assert 0.02 < exact < 0.5
    assert found.p_value[0] == pytest.approx(exact, abs=0.02)
    assert found.adjusted[0] == found.p_value[0]


def slow_step_down(seen: list[float], chance: list[list[float]]) -> list[float]:
    left = sorted(range(len(seen)), key=lambda at: -seen[at])
    adjusted, worst = [0.0] * len(seen), 0.0
    while left:
        reached = sum(max(row[at] for at in left) >= seen[left[0]] - 1e-9 for row in chance)
        worst = max(worst, (1 + reached) / (1 + len(chance)))
        adjusted[left.pop(0)] = worst
    return adjusted


def test_the_adjustment_matches_westfall_and_young() -> None:
    """It matches a slow loop over their algorithm on the same draws."""

    draws = np.random.default_rng(5)
    asked = [question(draws.normal(size=(30, 1)) + shift) for shift in (0.0, 0.5, 0.3, 0.05, 0.4)]
    found = answer(asked, np.random.default_rng(0), 199)
    signs = np.where(np.random.default_rng(0).random((199, 30)) < 0.5, -1.0, 1.0)
    seen, chance = [], []
    for each in asked:
        heights = np.cbrt((signs @ each.scores)[:, 0] ** 2)
        seen.append(float((np.cbrt(each.total[0] ** 2) - heights.mean()) / heights.std()))
        chance.append((heights - heights.mean()) / heights.std())
    expected = slow_step_down(seen, np.array(chance).T.tolist())
    assert found.adjusted.tolist() == pytest.approx(expected)
    assert min(found.adjusted.tolist()) < 0.05 < max(found.adjusted.tolist())


def test_more_hypotheses_increase_the_adjusted_p_value() -> None:
    """It is never below the unadjusted p-value, and grows with additional noise hypotheses."""

    draws = np.random.default_rng(2)
    signal, noise = (
        question(draws.normal(size=(40, 2)) + 0.35),
        [question(draws.normal(size=(40, 3))) for _ in range(30)],
    )
    alone, among = (answer(asked, np.random.default_rng(0), 1999) for asked in ([signal], [signal, *noise]))
    assert among.p_value[0] == alone.p_value[0]
    assert among.adjusted[0] > alone.adjusted[0]
    assert np.all(among.adjusted >= among.p_value)


def test_constant_scores_are_not_significant() -> None:
    """Scores of zero have a p-value of 1, and do not affect other hypotheses."""

    signal = question(np.random.default_rng(3).normal(size=(40, 2)) + 1.0)
    found = answer([question(np.zeros((40, 2))), signal], np.random.default_rng(0), 999)
    assert found.p_value.tolist() == pytest.approx([1.0, 0.001])
    assert found.adjusted.tolist() == pytest.approx([1.0, 0.001])
    assert answer([], np.random.default_rng(0), 99).p_value.size == 0
