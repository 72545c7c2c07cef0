"""Tests of the section that compares the agent with baselines."""

from typing import Any

from rlvitals.documents.baseline_section import baseline_section
from rlvitals.documents.document import Table, Toned
from rlvitals.records import Evaluation
from rlvitals.summary.baselines import Paired, against_baselines


def evaluation(policy: str | None, reward: float, size: float, **extra: Any) -> Evaluation:
    items = {str(at): {"reward": at + reward + 0.1 * (at % 3), "svg_bytes": size + at} for at in range(30)}
    return Evaluation(time=1.0, episode=1, policy=policy, items=items, extra=extra or None)


def compared() -> list[Paired]:
    """Compare an agent with a weak baseline, a strong one, and a search with more attempts."""
    every = [
        evaluation("search", 9.0, 900.0, attempts=40),
        evaluation("weak", -3.0, 2_000.0),
        evaluation("strong", 1.0, 500.0),
        evaluation(None, 0.0, 1_000.0),
    ]
    return against_baselines(every, lower_is_better=["svg_bytes"])


def table() -> Table:
    (found,) = baseline_section(compared(), {"metric_titles": {"svg_bytes": "bytes"}}).brief or ()
    assert isinstance(found, Table)
    return found


def test_the_strongest_baseline_is_the_first_row() -> None:
    """There is one row per baseline. A baseline with more attempts per item comes last."""
    assert [row[0] for row in table().rows] == ["strong", "weak", "search"]


def test_each_metric_is_a_column() -> None:
    """A metric for which lower is better is a relative difference, and its column has the configured title."""
    found = table()
    cells = dict(zip(found.titles, found.rows[1], strict=True))

    assert found.titles == ("baseline", "attempts", "agent is", "reward", "bytes", "items")
    assert cells["reward"] == Toned("+3 (+3 to +3)", "good")
    assert cells["bytes"] == Toned("-50 % (-50 % to -50 %)", "good")


def test_the_lead_explains_more_attempts() -> None:
    """The lead mentions attempts only if a baseline has more of them than the agent."""
    without = [pair for pair in compared() if pair.is_comparable]

    assert "attempts" in baseline_section(compared(), {}).lead
    assert "attempts" not in baseline_section(without, {}).lead


def test_a_run_without_baselines_has_no_section() -> None:
    """Without comparisons, the section is empty."""
    assert baseline_section([], {}).blocks == ()
