"""`rlvitals ui`."""

from pathlib import Path

from rlvitals.cli.ui import warning_of


def test_a_folder_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    """It is no failure: the dashboard may be there before the training."""
    missing = tmp_path / "nothere"

    assert warning_of(missing) == f"there is no folder {missing} yet: its runs are shown when they come"
    assert warning_of(tmp_path) == ""
