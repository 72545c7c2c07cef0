"""Tests of the plug-in: the contract of all sinks, and the behaviour of this sink."""

import json
import math
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.sinks import Sink, make_sink
from rlvitals.testing.sinks import SinkContract


class TestContract(SinkContract):
    """The sink keeps the contract when it is created by name."""

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def make_sink(self) -> Sink:
        """Create the sink as a monitor does."""
        return make_sink("best")


def test_the_best_episode_is_kept(tmp_path: Path) -> None:
    """The first episode with the highest reward is kept, and NaN rewards are ignored."""
    with TrainingMonitor(tmp_path, session_name="a", sinks=["best"]) as monitor:
        for episode, reward in enumerate([1.0, 3.0, math.nan, 3.0, 2.0]):
            monitor.log_episode(episode, reward, 10)
    best = json.loads((tmp_path / "a" / "artifacts" / "best.json").read_bytes())
    assert (best["episode"], best["reward"]) == (1, 3.0)
