"""Tests of `rlvitals ui`."""

from pathlib import Path

import pytest

from rlvitals.cli.run_arguments import warn_if_missing


def test_a_missing_folder_gives_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The dashboard and the server for agents can start before the training."""
    missing = tmp_path / "nothere"
    for folder in (missing, tmp_path):
        warn_if_missing(folder)

    expected = f"Folder {missing} does not exist yet. Runs appear here when training creates them.\n"
    assert tuple(capsys.readouterr()) == ("", expected)
