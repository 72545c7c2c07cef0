"""The report of a run names its origin."""

from pathlib import Path

from rlvitals import open_run
from rlvitals.formats.importers import import_run
from rlvitals.render.report_writer import write_report


def test_an_imported_run_names_its_files_and_unknown_settings(tmp_path: Path) -> None:
    """Without any recorded settings, they are unknown."""
    (tmp_path / "logs.monitor.csv").write_text('#{"t_start": 1000.0}\nr,l,t\n1.5,10,1.0\n')
    run = import_run(tmp_path / "logs.monitor.csv", tmp_path / "logs", name="ppo")
    report = Path(write_report(open_run(run.path), tmp_path / "report.md")).read_text()

    assert f"{tmp_path / 'logs.monitor.csv'} (sb3)" in report.replace("\\", "")
    assert "unknown: none were recorded" in report
