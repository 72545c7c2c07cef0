from __future__ import annotations

import pytest

from vtracer_gym import MissingPackageError
from vtracer_gym.requirements import REQUIREMENTS, missing_packages


def test_nothing_is_missing_here() -> None:
    """An installed vtracer_gym finds all required packages."""

    assert missing_packages() == {}


def test_the_error_names_every_missing_module_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extras in the command are quoted for the shell."""

    monkeypatch.setitem(REQUIREMENTS, "absent_tracer", "absent-tracer")
    monkeypatch.setitem(REQUIREMENTS, "absent_adapter", "rlvitals[absent]")

    error = MissingPackageError(missing_packages())
    assert "needs absent_tracer, absent_adapter. " in str(error)
    assert str(error).endswith("pip install absent-tracer 'rlvitals[absent]'")
    assert isinstance(error, ImportError)
