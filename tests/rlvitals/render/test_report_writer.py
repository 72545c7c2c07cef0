"""Where reports go."""

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
def test_the_ending_says_the_form(kept: Made, tmp_path: Path, ending: str, begins: bytes) -> None:
    """A page, pages for print, a sheet of figures."""
    path = write_report(kept("one episode"), tmp_path / f"report.{ending}")

    assert path.read_bytes().startswith(begins)
    assert [file.name for file in tmp_path.glob("report*")] == [path.name]


@pytest.mark.parametrize("kind", ["empty", "largest", "hostile"])
def test_any_run_is_printed(kept: Made, tmp_path: Path, kind: str) -> None:
    """Also an empty one, and one whose texts would be formulas."""
    assert write_report(kept(kind), tmp_path / "report.png").stat().st_size > 1_000


def test_an_unknown_form_is_refused(kept: Made, tmp_path: Path) -> None:
    """With the path, and the endings that there are."""
    with pytest.raises(ExportError, match=r"report\.doc has no report format: its name must end with \.html"):
        write_report(kept("empty"), tmp_path / "report.doc")


def test_without_resvg_a_picture_names_the_extra(kept: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read."""
    monkeypatch.setattr(png_sheet, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"rlvitals\[report\]"):
        write_report(kept("empty"), tmp_path / "report.png")


def test_without_a_browser_a_print_says_what_to_do(kept: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read."""
    monkeypatch.setenv("RLVITALS_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(ExportError, match="is not a program: set it to the path of Chromium or Chrome"):
        write_report(kept("empty"), tmp_path / "report.pdf")


def test_a_report_that_cannot_be_written_leaves_what_was_there(kept: Made, tmp_path: Path) -> None:
    """The place is a folder: it stays, and nothing is left beside it."""
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ExportError, match=r"report\.html cannot be written"):
        write_report(kept("empty"), tmp_path / "report.html")

    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == ["report.html"]


def test_a_folder_that_is_a_file_is_named(kept: Made, tmp_path: Path) -> None:
    """With the reason, and by the path that was asked for."""
    (tmp_path / "taken").touch()
    with pytest.raises(ExportError, match=r"taken/report\.html cannot be written: "):
        write_report(kept("empty"), tmp_path / "taken" / "report.html")


def test_a_training_writes_its_report_when_it_ends(monitor: Monitor) -> None:
    """Among its artifacts; also when it fails."""
    with pytest.raises(RuntimeError), monitor(report=True) as training:
        raise RuntimeError("out of luck")

    assert "RuntimeError: out of luck" in (training.path / "artifacts" / "report.html").read_text()


def test_a_report_that_fails_is_no_trouble_of_the_training(
    monitor: Monitor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, in one line."""
    (tmp_path / "taken").touch()
    training = monitor(report=tmp_path / "taken" / "report.html")
    with caplog.at_level(logging.WARNING, "rlvitals"):
        training.close()

    assert training.status == "completed"
    assert [record.message.partition(":")[0] for record in caplog.records] == ["run"]


def test_a_training_writes_no_report_unless_it_is_asked_to(monitor: Monitor) -> None:
    """By default there is none."""
    with monitor() as training:
        pass

    assert list((training.path / "artifacts").iterdir()) == []


def test_a_run_that_is_over_waits_for_nothing(kept: Made, tmp_path: Path) -> None:
    """Nothing will be recorded after its end."""
    text = write_report(kept("empty"), tmp_path / "report.md").read_text()

    assert "No episode or update was recorded." in text


def test_the_verdict_counts_the_episodes_that_there_are(monitor: Monitor, tmp_path: Path) -> None:
    """A mean of the last 60 is not one of the last 100."""
    with monitor() as training:
        for episode in range(60):
            training.log_episode(episode, float(episode), 10)

    text = write_report(open_run(training.path), tmp_path / "report.md").read_text()
    assert "Mean reward of the last 60 episodes: 29.5." in text
