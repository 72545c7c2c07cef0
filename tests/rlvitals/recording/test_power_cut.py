"""After a power cut, a run has all acknowledged records and remains readable."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_CUTS = 12
_SCRIPT = Path(__file__).with_name("power_cuts.py")


@pytest.mark.parametrize(("seed", "failing"), [(3, "none"), (5, "readable"), (5, "dropped")])
def test_synced_records_survive_a_power_cut_at_any_moment(tmp_path: Path, seed: int, failing: str) -> None:
    """Two sessions of one run are cut at many moments, then opened, read, verified, and some resumed.

    Data that was not synced is torn and reordered. If `fsync` fails at times, all records that the monitor does not
    report as unsafe are still there.
    """
    command = [sys.executable, "-W", "error", str(_SCRIPT), str(tmp_path), str(seed), str(_CUTS), failing]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)

    assert said["wrong"] == []
    assert said["seen"]["lost"] > 0  # otherwise no cut had an effect
    assert said["seen"]["sealed"] > 0
