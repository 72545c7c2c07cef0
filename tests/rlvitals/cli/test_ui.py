"""Tests of `rlvitals ui`."""

from pathlib import Path

from rlvitals.cli.ui import warning_of


def test_a_missing_folder_gives_a_warning(tmp_path: Path) -> None:
    """The dashboard can start before the training."""
    missing = tmp_path / "nothere"

    expected = f"Folder {missing} does not exist yet. Runs appear here when training creates them."
    assert warning_of(missing) == expected
    assert warning_of(tmp_path) == ""
