"""Health of a training, with the keys of the public interface."""

import math
from pathlib import Path
from typing import Any

from rlvitals.compat.validation import validation
from rlvitals.diagnosis import Context, diagnose
from rlvitals.diagnosis.evidence_builder import EvidenceBuilder
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.stats.series.course import course


def updates(*, bad_from: int = 1_000) -> list[PolicyUpdate]:
    return [
        PolicyUpdate(time=float(n), step=n, env_step=n, policy_loss=math.nan if n >= bad_from else 0.1, value_loss=0.5)
        for n in range(40)
    ]


def judged(path: Path, said: list[PolicyUpdate], **lost: int) -> dict[str, Any]:
    collector = EvidenceBuilder()
    for record in said:
        collector.add(record)
    found = diagnose(collector.evidence(Context(dropped=lost)))
    return validation(found, [], said, course([]), path=path, lost=lost, sinks=["csv"])


def test_every_point_lost_is_explained(tmp_path: Path) -> None:
    """The deductions and the score add up to one."""
    found = judged(tmp_path, updates(bad_from=20), records=3)
    points = sum(loss["points"] for loss in found["points_lost"])

    assert points > 0
    assert found["health_score"] == (100 - points) / 100
    assert found["status"] == "critical"


def test_each_check_follows_its_findings(tmp_path: Path) -> None:
    """A NaN loss belongs to validity, and dropped records belong to completeness."""
    checks = judged(tmp_path, updates(bad_from=20), records=3)["checks"]

    assert checks["metric_validity"]["status"] == "critical"
    assert checks["metric_validity"]["not_finite"] == {"policy_loss": 20}
    assert checks["data_completeness"]["findings"] == ["data-missing"]
    assert checks["external_logging"] == {
        "status": "healthy",
        "message": "no problems found",
        "findings": [],
        "sinks": ["csv"],
        "dropped": {},
    }


def test_a_run_without_records_is_not_called_healthy(tmp_path: Path) -> None:
    """All keys are present and report that there is no verdict."""
    found = judged(tmp_path, [])

    assert (found["judged"], found["status"]) == (False, "warning")
    assert found["health_score"] < 1.0
    assert found["checks"]["data_completeness"]["findings"] == ["not-judged"]
    assert found["checks"]["training_progress"]["message"] == "not judged"
    assert judged(tmp_path, updates())["judged"] is True


def test_a_run_with_few_records_is_not_called_healthy(tmp_path: Path) -> None:
    """The finding names the available and the required evidence, but a critical finding is a verdict in any case."""
    found = judged(tmp_path, updates()[:3])

    assert (found["judged"], found["status"]) == (False, "warning")
    assert found["health_score"] == 0.8
    assert "3 updates; a verdict needs" in found["findings"][0]["message"]
    assert judged(tmp_path, updates(bad_from=0)[:3])["judged"] is True


def test_a_missing_folder_is_critical(tmp_path: Path) -> None:
    """A missing run folder costs points, and the reason is given."""
    found = judged(tmp_path / "gone", updates())
    checks = found["checks"]

    assert checks["file_system"]["status"] == found["status"] == "critical"
    assert checks["file_system"]["free_mib"] is None
    assert "is not accessible" in checks["file_system"]["message"]


def test_episodes_that_were_skipped_are_counted(tmp_path: Path) -> None:
    """Skipped episodes are counted by the gaps in their numbers."""
    episodes = [Episode(time=1.0, episode=number, reward=1.0, length=1) for number in (0, 1, 5)]
    found = validation(
        diagnose(EvidenceBuilder().evidence(Context())), episodes, [], course([]), path=tmp_path, lost={}, sinks=[]
    )

    assert found["checks"]["data_completeness"]["episode_numbers_skipped"] == 3
