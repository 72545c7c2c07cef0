"""Functions and classes that a drop-in does not have."""

import copy
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.compat.unsupported import Unsupported


def test_a_missing_object_does_nothing() -> None:
    """Every use of it is allowed, and its values are empty."""
    missing = Unsupported("W&B").function("plot")

    with missing.line(1, title="a") as entered:
        assert list(entered) == []
    assert not missing()
    assert str(copy.deepcopy(missing.a.b)) == "plot.a.b"


def test_an_exception_inside_of_a_missing_context_passes() -> None:
    with pytest.raises(ValueError, match="no"), Unsupported("W&B").function("watch")():
        raise ValueError("no")


def test_only_called_names_are_reported(tmp_path: Path) -> None:
    """Once, and without the methods of what they returned."""
    unsupported = Unsupported("W&B")
    unsupported.function("util.unused")
    unsupported.function("Artifact")("model").add_file("a")
    with TrainingMonitor(tmp_path, session_name="a") as monitor:
        for _ in range(2):
            unsupported.report(monitor)

    messages = [event.message for event in monitor.run.records("events") if event.kind == "adapter"]
    assert messages == ["Not recorded, because rlvitals has no equivalent in W&B: Artifact."]
