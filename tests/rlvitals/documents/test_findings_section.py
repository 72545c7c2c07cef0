"""Tests of the findings section."""

import math
from collections.abc import Callable

import msgspec

from rlvitals import TrainingMonitor
from rlvitals.diagnosis import Diagnosis, SkippedRule, diagnose, evidence_of
from rlvitals.documents.document import FindingsBlock, Prose, Table
from rlvitals.documents.findings_section import basis, enabling, findings_section

Monitor = Callable[..., TrainingMonitor]


def diagnosed(training: TrainingMonitor, updates: int = 0, *, bad: bool = False) -> Diagnosis:
    """Return the diagnosis of a run with this many updates."""
    with training:
        for step in range(updates):
            training.log_training_step(step, math.nan if bad else 0.1, 0.5, 1.0, env_step=100 * step)
    return diagnose(evidence_of(training.run))


def test_findings_come_first_and_are_short_in_brief(monitor: Monitor) -> None:
    """Findings come first, and the folded table of skipped rules is omitted in brief."""
    section = findings_section(diagnosed(monitor(), 20, bad=True), {})
    assert section.brief is not None
    first, short = section.blocks[0], section.brief[0]

    assert isinstance(first, FindingsBlock)
    assert isinstance(short, FindingsBlock)
    assert (first.brief, short.brief) == (False, True)
    assert first.findings[0].code == "non-finite"
    assert isinstance(section.blocks[-1], Table)
    assert section.blocks[-1].folded
    assert not any(isinstance(block, Table) for block in section.brief)


def test_a_healthy_run_shows_the_number_of_rules(monitor: Monitor) -> None:
    """A healthy run shows the number of evaluated and skipped rules."""
    found = diagnosed(monitor(), 20)
    brief = [block.text for block in findings_section(found, {}).brief or () if isinstance(block, Prose)]

    assert brief[0].endswith(" rules evaluated: no findings.")
    command = "Run `rlvitals check` to see how to enable them."
    assert brief[1] == f"{len(found.skipped_rules)} rules skipped: missing data. {command}"
    assert "skipped: missing data. To enable them, provide log_training_step(" in next(enabling(found)).text


def test_a_run_without_records_is_not_judged(monitor: Monitor) -> None:
    """A run without records is not judged, which differs from no findings."""
    first = findings_section(diagnosed(monitor()), {}).blocks[0]

    assert isinstance(first, Prose)
    assert first.text.startswith("Not judged yet: no episode with a reward and no update; a verdict needs ")


def test_dropped_records_are_reported(monitor: Monitor) -> None:
    """Dropped records are reported, also in brief."""
    section = findings_section(diagnosed(monitor()), {"records": 1_200, "tensorboard": 3})
    said = Prose("1,200 records dropped, 3 records dropped by tensorboard.", "bad")

    assert said in section.blocks
    assert said in (section.brief or ())


def test_a_missing_reward_is_reported(monitor: Monitor) -> None:
    """The section states that learning was not assessed if no reward was recorded."""
    texts = [block.text for block in basis(diagnosed(monitor(), 3))]

    assert texts == ["No reward was recorded, so learning was not assessed."]


def test_a_rule_that_failed_is_reported_apart_from_missing_data(monitor: Monitor) -> None:
    """The exception is stated, and not as an input that the user could log."""
    found = diagnosed(monitor(), 20)
    lacking = found.skipped_rules
    error = SkippedRule("plateau", error="ValueError: x has 2 axes. It needs 1|2")
    failing = msgspec.structs.replace(found, skipped_rules=(*lacking, error))
    section = findings_section(failing, {})
    said = Prose("1 rule failed: plateau (ValueError: x has 2 axes. It needs 1|2).", "bad")

    assert said in section.blocks
    assert said in (section.brief or ())
    assert list(enabling(failing)) == list(enabling(found))
    assert section.blocks[-1] == findings_section(found, {}).blocks[-1]
