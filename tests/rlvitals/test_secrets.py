"""The run folder, the sinks, reports and exports of a training contain no secrets."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.formats.exporters import export_run
from rlvitals.formats.importers import import_run
from rlvitals.render.report_writer import write_report

QUIET = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
SECRETS = {
    "api_key": "alpha-opensesame",
    "smtp": {"password": "beta-opensesame", "host": "mail.example.org"},
    "notes": "https://ada:gamma-opensesame@example.org/x",
    "lr": 3e-4,
}


def everything_in(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.rglob("*")) if path.is_file())


def train(logs: Path, **options: Any) -> Path:
    monitor = TrainingMonitor(logs, session_name="run", settings=QUIET, **options)
    monitor.update_configuration({"hub_token": "delta-opensesame"})
    monitor.log_episode(1, 2.0, 3)
    monitor.log_event("note", "pushed with HF_TOKEN=epsilon-opensesame")
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("401 for https://example.org/api?token=zeta-opensesame")
    monitor.fail(caught.value)
    return monitor.path


def test_no_file_of_a_run_contains_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in the configuration, the command line, an event and the exception are masked."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", "--token", "eta-opensesame", "--lr=0.1"])
    run = train(tmp_path, configuration=SECRETS)
    header = json.loads((run / "run.json").read_text())

    assert "raise RuntimeError" in header["failure"]["traceback"]
    assert "opensesame" not in everything_in(run)
    assert header["configuration"]["smtp"] == {"password": "***", "host": "mail.example.org"}
    assert header["configuration"]["lr"] == 3e-4
    assert header["reproduction"]["command"][2:] == ["--token", "***", "--lr=0.1"]


def test_sinks_get_the_masked_configuration(tmp_path: Path) -> None:
    """Later additions to the configuration are masked too."""
    pytest.importorskip("tensorboard")
    written = everything_in(train(tmp_path, configuration=SECRETS, use_tensorboard=True))

    assert "hub_token" in written
    assert "opensesame" not in written


def test_masking_can_be_extended_and_switched_off(tmp_path: Path) -> None:
    """This is an option of the monitor, and readers respect it."""
    with TrainingMonitor(tmp_path, session_name="more", configuration={"badge": 7, "a": "CORP-1"}, settings=QUIET,
                         mask_secrets=["badge", "corp-[0-9]"]):  # fmt: skip
        pass
    with TrainingMonitor(tmp_path, session_name="off", configuration=SECRETS, settings=QUIET, mask_secrets=False):
        pass

    assert open_run(tmp_path / "more").header.configuration == {"badge": "***", "a": "***"}
    assert open_run(tmp_path / "off").header.configuration == SECRETS


def test_an_invalid_pattern_is_refused(tmp_path: Path) -> None:
    """It is refused before a folder is created."""
    with pytest.raises(ValueError, match="mask_secrets"):
        TrainingMonitor(tmp_path / "logs", mask_secrets=["("])
    assert not (tmp_path / "logs").exists()


def old_run(logs: Path) -> Path:
    """Create a run as recorded by a version without masking."""
    with TrainingMonitor(logs, session_name="old", configuration={"lr": 0.1}, settings=QUIET) as monitor:
        monitor.log_episode(1, 2.0, 3)
    file = logs / "old" / "run.json"
    header = json.loads(file.read_text())
    header["configuration"] = SECRETS
    header["reproduction"]["command"] = ["python", "--password=opensesame"]
    header["failure"] = {"type": "ValueError", "message": "token=opensesame", "traceback": "x\n"}
    file.write_text(json.dumps(header))
    return logs / "old"


def test_runs_from_earlier_versions_are_masked_when_they_are_read(tmp_path: Path) -> None:
    """Reports, exports and imports of such a run contain no secrets."""
    run = open_run(old_run(tmp_path))
    shared = tmp_path / "shared"
    shared.mkdir()
    write_report(run, shared / "report.html")
    export_run(run, shared / "run.json")
    import_run(shared / "run.json", shared, name="again")

    assert "***" in (shared / "report.html").read_text()
    assert "opensesame" not in repr(run.header)
    assert "opensesame" not in everything_in(shared)


def test_resuming_a_run_from_an_earlier_version_masks_its_header(tmp_path: Path) -> None:
    """The header is rewritten with masked secrets."""
    path = old_run(tmp_path)
    with TrainingMonitor(tmp_path, session_name="old", resume="must", settings=QUIET):
        pass

    assert "opensesame" not in (path / "run.json").read_text()


def test_an_export_from_an_earlier_version_is_masked_when_it_is_imported(tmp_path: Path) -> None:
    """The secrets are masked before the run is written."""
    exported = Path(export_run(open_run(old_run(tmp_path)), tmp_path / "old.json"))
    document = json.loads(exported.read_text())
    document["header"]["configuration"] = SECRETS
    exported.write_text(json.dumps(document))
    run = import_run(exported, tmp_path / "logs")

    assert run.header.configuration["api_key"] == "***"
    assert "opensesame" not in everything_in(tmp_path / "logs")
