"""Tests of the files that reports are written to."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RunReader, TrainingMonitor, open_run
from rlvitals.errors import ExportError, MissingExtraError
from rlvitals.render import png_sheet
from rlvitals.render.report_writer import write_report

Made = Callable[[str], RunReader]
Monitor = Callable[..., TrainingMonitor]


@pytest.mark.usefixtures("printer")
@pytest.mark.parametrize(("ending", "begins"), [("html", b"<!doctype html>"), ("pdf", b"%PDF")])
def test_the_extension_selects_the_format(kept: Made, tmp_path: Path, ending: str, begins: bytes) -> None:
    """HTML and PDF reports are single files."""
    path = write_report(kept("one episode"), tmp_path / f"report.{ending}")

    assert path.read_bytes().startswith(begins)
    assert [file.name for file in tmp_path.glob("report*")] == [path.name]


@pytest.mark.parametrize("kind", ["empty", "largest", "hostile"])
def test_any_run_can_be_written_as_png(kept: Made, tmp_path: Path, kind: str) -> None:
    """Empty runs and hostile texts work too."""
    assert write_report(kept(kind), tmp_path / "report.png").stat().st_size > 1_000


def test_an_unknown_format_is_refused(kept: Made, tmp_path: Path) -> None:
    """The error has the path and the valid extensions."""
    with pytest.raises(ExportError, match=r"report\.doc has no report format: its name must end with \.html"):
        write_report(kept("empty"), tmp_path / "report.doc")


def test_a_png_without_resvg_names_the_extra(kept: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check runs before any record is read."""
    monkeypatch.setattr(png_sheet, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"rlvitals\[report\]"):
        write_report(kept("empty"), tmp_path / "report.png")


def test_a_pdf_without_a_browser_explains_what_to_do(
    kept: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check runs before any record is read."""
    monkeypatch.setenv("RLVITALS_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(ExportError, match=r"is not a program\. Set it to the path of Chromium or Chrome"):
        write_report(kept("empty"), tmp_path / "report.pdf")


def test_a_failed_write_leaves_existing_files_unchanged(kept: Made, tmp_path: Path) -> None:
    """A folder at the path stays, and no temporary file remains."""
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ExportError, match=r"report\.html cannot be written"):
        write_report(kept("empty"), tmp_path / "report.html")

    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == ["report.html"]


def test_a_file_in_place_of_the_folder_is_reported(kept: Made, tmp_path: Path) -> None:
    """The error has the requested path and the reason."""
    (tmp_path / "taken").touch()
    with pytest.raises(ExportError, match=r"taken/report\.html cannot be written: "):
        write_report(kept("empty"), tmp_path / "taken" / "report.html")


def test_a_training_writes_its_report_when_it_ends(monitor: Monitor) -> None:
    """The report is in the artifacts, also for a failed training."""
    with pytest.raises(RuntimeError), monitor(report=True) as training:
        raise RuntimeError("out of luck")

    assert "RuntimeError: out of luck" in (training.path / "artifacts" / "report.html").read_text()


def test_a_failed_report_does_not_stop_the_training(
    monitor: Monitor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The error is logged in one line."""
    (tmp_path / "taken").touch()
    training = monitor(report=tmp_path / "taken" / "report.html")
    with caplog.at_level(logging.WARNING, "rlvitals"):
        training.close()

    assert training.status == "completed"
    assert [record.message.partition(":")[0] for record in caplog.records] == ["run"]


def test_a_training_writes_no_report_by_default(monitor: Monitor) -> None:
    """The artifacts stay empty."""
    with monitor() as training:
        pass

    assert list((training.path / "artifacts").iterdir()) == []


def test_a_finished_empty_run_is_reported_as_empty(kept: Made, tmp_path: Path) -> None:
    """The report does not announce later records."""
    text = write_report(kept("empty"), tmp_path / "report.md").read_text()

    assert "No episode or update was recorded, so learning cannot be assessed." in text


def test_the_verdict_states_its_window(monitor: Monitor, tmp_path: Path) -> None:
    """A mean of 60 episodes is not called a mean of 100."""
    with monitor() as training:
        for episode in range(60):
            training.log_episode(episode, float(episode), 10)

    text = write_report(open_run(training.path), tmp_path / "report.md").read_text()
    assert "Mean reward of the last 60 episodes: 29.5." in text
