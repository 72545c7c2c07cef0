"""What the tests of several sinks need."""

from pathlib import Path
from typing import Any

import pytest

from rlvitals.sinks import SinkContext


@pytest.fixture
def settings() -> dict[str, Any]:
    """The training's settings, which a test may add to."""
    return {"learning_rate": 3e-4, "policy": {"net_arch": [64, 64], "activation": "tanh"}, "gamma": float("nan")}


@pytest.fixture
def context(tmp_path: Path, settings: dict[str, Any]) -> SinkContext:
    """A run, as a monitor would tell of it."""
    path = tmp_path / "logs" / "ppo 1"
    artifacts = path / "artifacts"
    artifacts.mkdir(parents=True)
    return SinkContext(path, artifacts, "ppo 1", "logos: small", lambda: dict(settings), resumed=False)
