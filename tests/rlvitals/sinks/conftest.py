"""Fixtures shared by the tests of sinks."""

from pathlib import Path
from typing import Any

import pytest

from rlvitals.sinks import SinkContext


@pytest.fixture
def settings() -> dict[str, Any]:
    """Configuration of the run, which a test can extend."""
    return {"learning_rate": 3e-4, "policy": {"net_arch": [64, 64], "activation": "tanh"}, "gamma": float("nan")}


@pytest.fixture
def context(tmp_path: Path, settings: dict[str, Any]) -> SinkContext:
    """Description of a run, as passed to sinks by a monitor."""
    path = tmp_path / "logs" / "ppo 1"
    artifacts = path / "artifacts"
    artifacts.mkdir(parents=True)
    return SinkContext(path, artifacts, "ppo 1", "logos: small", lambda: dict(settings), resumed=False)
