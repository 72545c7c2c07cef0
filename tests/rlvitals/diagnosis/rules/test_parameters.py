"""Searched parameters: at a bound, without effect, and a search with nothing left to win."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.diagnosis import Context, EvidenceBuilder, Finding, diagnose, evidence_of
from rlvitals.diagnosis.health import health_of
from rlvitals.diagnosis.rules.parameters import is_exhausted
from rlvitals.records import Episode
from rlvitals.stats.parameters.search_progress import ProgressEstimate, SearchProgress

NAMES = ("a", "b", "dull")
BOUNDS: dict[str, tuple[float, float]] = dict.fromkeys(NAMES, (0.0, 1.0))


def episodes(*, at: float = 0.5, away: float = 0.0, count: int = 400, attempts: bool = True) -> list[Episode]:
    """Return a search: the reward falls with the distance of `a` and `b` from an optimum, and ignores `dull`.

    Args:
        at: Optimum of `a`. That of `b` is 0.5.
        away: Distance of the policy from the optimum of `a`.
        count: Number of episodes, of four attempts each.
        attempts: Whether episodes report their attempts, or only the parameters of the last one.
    """
    draws = np.random.default_rng(0)
    made = []
    for number in range(count):
        item = draws.normal()
        tried = []
        for center in np.clip([[at + away, 0.5, 0.5]] * 4 + 0.2 * draws.normal(size=(4, 3)), 0.0, 1.0):
            parameters = dict(zip(NAMES, center.tolist(), strict=True))
            reward = item - 4.0 * (parameters["a"] - at) ** 2 - (parameters["b"] - 0.5) ** 2 + 0.05 * draws.normal()
            tried.append({"parameters": parameters, "reward": reward, "size": float(np.exp(parameters["b"]))})
        made.append(
            Episode(
                time=float(number), episode=number, reward=sum(one["reward"] for one in tried), length=4,
                env_step=4 * number + 4, attempts=tried if attempts else None, parameters=tried[-1]["parameters"],
            )
        )  # fmt: skip
    return made


def findings(made: list[Episode], **context: Any) -> dict[str, Finding]:
    collector = EvidenceBuilder()
    for episode in made:
        collector.add(episode)
    known = {"status": "completed", "parameter_bounds": BOUNDS, "directions": {"size": "lower"}} | context
    return {one.code: one for one in diagnose(collector.evidence(Context(**known))).findings}


def test_a_parameter_at_its_bound_is_named() -> None:
    """The finding names the parameter, the end, and the share of the recent attempts."""

    found = findings(episodes(at=0.0))["parameter-at-bound"]
    assert found.title == "a at the end of its range"
    assert found.cause.startswith("a is at its lowest value (0) in 5")
    assert set(found.evidence) == {"a"}
    assert found.severity == "info"


def test_without_bounds_no_end_is_reported() -> None:
    """The range that was tried has ends by definition."""

    assert "parameter-at-bound" not in findings(episodes(at=0.0), parameter_bounds={})


def test_a_parameter_inside_its_range_is_not_reported() -> None:
    """Noise that reaches the bounds now and then is no pile."""

    assert "parameter-at-bound" not in findings(episodes())


def test_a_parameter_without_effect_on_any_objective_is_named() -> None:
    """`b` hardly changes the reward, but it changes the size."""

    assert set(findings(episodes())["parameter-without-effect"].evidence) == {"dull"}


def test_few_attempts_show_no_missing_effect() -> None:
    """A hundred episodes of four attempts are not enough."""

    assert "parameter-without-effect" not in findings(episodes(count=100))


def test_a_search_around_its_optimum_is_exhausted() -> None:
    """Exploration continues, but recent attempts are no better, and no move promises more."""

    assert "search-exhausted" in findings(episodes(count=1000))


def test_a_search_away_from_its_optimum_is_not_exhausted() -> None:
    """A policy that does not learn can still win something."""

    assert "search-exhausted" not in findings(episodes(count=1000, away=0.3))


def test_rewards_of_several_steps_are_not_related_to_parameters() -> None:
    """The reward of an episode of four steps does not belong to the parameters of one of them."""

    found = findings(episodes(attempts=False))
    assert not found.keys() & {"parameter-without-effect", "search-exhausted"}


def test_findings_about_parameters_keep_a_run_healthy() -> None:
    """They are advice, not faults."""

    found = findings(episodes(at=0.0, count=1000))
    own = [found[code] for code in ("parameter-at-bound", "parameter-without-effect", "search-exhausted")]
    assert health_of(own).status == "healthy"


@pytest.mark.parametrize("attempts", [True, False])
def test_live_and_stored_attempts_give_the_same_findings(tmp_path: Path, attempts: bool) -> None:
    """The run folder holds the same attempts, parameters and objectives as the records."""

    made = episodes(at=0.0, attempts=attempts)
    configuration = {"parameter_bounds": {name: [0, 1] for name in NAMES}, "lower_is_better": ["size"]}
    settings = RecorderSettings(system_interval_s=None)
    with TrainingMonitor(tmp_path, configuration=configuration, settings=settings, announce=False) as monitor:
        for episode in made:
            monitor._recorder.write(episode)
    stored = {one.code: one.evidence for one in diagnose(evidence_of(monitor.run)).findings}
    live = {code: one.evidence for code, one in findings(made).items()}
    assert "parameter-at-bound" in stored
    assert stored == live


def progress(later: float = 0.5, gain: float = 0.0, spread: float = 0.2) -> SearchProgress:
    around = ProgressEstimate(later, later - 0.03, later + 0.03)
    return SearchProgress(around, ProgressEstimate(gain, gain - 0.05, gain + 0.05), spread, 1000)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (progress(), True),
        (progress(later=0.55), False),
        (progress(later=0.44), False),
        (progress(gain=0.18), False),
        (progress(spread=0.01), False),
    ],
    ids=["level", "improving", "worse", "promising", "narrow"],
)
def test_a_search_is_exhausted_only_if_everything_agrees(found: SearchProgress, expected: bool) -> None:
    """Improving, worse or promising searches, and a policy that no longer explores, are not exhausted."""

    assert is_exhausted(found) is expected
