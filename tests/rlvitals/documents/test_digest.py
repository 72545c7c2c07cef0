"""Tests of digests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals import RunReader, TrainingMonitor
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.documents.digest import digest_of
from rlvitals.documents.document import Table
from rlvitals.render.report_writer import write_digest
from rlvitals.testing.manual_clock import ManualClock

Made = Callable[[str], RunReader]
_WEEK = 7 * 86_400.0


def rows_of(folder: Path, **options: Any) -> list[Any]:
    document = digest_of(folder, _WEEK, **options)
    blocks = next(section.blocks for section in document.sections if section.key == "runs")
    return [row for block in blocks if isinstance(block, Table) for row in block.rows]


def test_runs_are_rows_newest_first(made: Made, logs: Path) -> None:
    """A digest lists unusual runs too, newest first."""
    for kind in ("well", "all NaN", "empty"):
        made(kind)

    assert [row[0] for row in rows_of(logs)] == ["empty", "all-NaN", "well"]


def test_a_run_from_before_the_period_is_omitted(made: Made, logs: Path) -> None:
    """A run that ended before the period is omitted."""
    made("well")
    later = ManualClock(SYSTEM_CLOCK.time() + 8 * 86_400.0)

    assert len(rows_of(logs)) == 1
    assert rows_of(logs, clock=later) == []


def test_the_verdict_counts_the_runs_that_need_attention(made: Made, logs: Path) -> None:
    """The verdict states how many runs need attention, and why."""
    made("well")
    made("all NaN")
    verdict = digest_of(logs, _WEEK).verdict

    assert (verdict.tone, verdict.title) == ("bad", "1 of 2 runs needs attention")
    assert "Non-finite values" in verdict.text


def test_every_run_that_needs_attention_is_listed_by_path(logs: Path) -> None:
    """Every run that needs attention is listed by its path, because runs in different folders can share a name."""
    for folder in ("a", "b"):
        with TrainingMonitor(logs / folder, session_name="seed-1") as training:
            for at in range(30):
                training.log_episode(at, float("nan"), 1)
    verdict = digest_of(logs, _WEEK).verdict

    assert sorted(row[0] for row in rows_of(logs)) == ["a/seed-1", "b/seed-1"]
    assert verdict.title == "2 of 2 runs need attention"
    assert "a/seed-1" in verdict.text
    assert "b/seed-1" in verdict.text


def test_runs_without_records_are_not_judged(made: Made, logs: Path) -> None:
    """A run without records is not judged, in its row and in the verdict."""
    made("empty")
    row = rows_of(logs)[0]

    assert (row[3].text, row[9].text) == ("not judged", "not judged")
    document = digest_of(logs, _WEEK)

    assert document.status == "1 run"
    assert document.verdict.tone == "neutral"
    assert document.verdict.text == "1 run with too few episodes and updates."


@pytest.mark.usefixtures("printer")
@pytest.mark.parametrize("name", ["digest.html", "digest.md", "digest.pdf"])
def test_a_digest_of_an_empty_folder_is_written(tmp_path: Path, name: str) -> None:
    """A digest of a folder without runs is written in every format."""
    (tmp_path / "none").mkdir()

    assert write_digest(tmp_path / "none", _WEEK, tmp_path / name).stat().st_size > 0


def test_a_digest_links_to_the_reports_of_its_runs(
    made: Made, logs: Path, tmp_path: Path, read_page: Callable[[str], Any]
) -> None:
    """A digest links to existing reports with relative paths."""
    run = made("well")
    made("empty")
    run.write_report()
    page = read_page(write_digest(logs, _WEEK, tmp_path / "digest.html").read_text())

    links = [said["href"] for tag, said in page.tags if tag == "a"]
    assert links == ["logs/well/artifacts/report.html"]
    assert (page.open, page.faults) == ([], [])


def test_a_damaged_run_is_listed_with_the_reason(made: Made, logs: Path) -> None:
    """A damaged run is listed with the reason, next to the readable runs."""
    made("well")
    (logs / "bad").mkdir()
    (logs / "bad" / "run.json").write_text("{}")
    document = digest_of(logs, _WEEK)

    assert [section.key for section in document.sections] == ["runs", "refused"]
