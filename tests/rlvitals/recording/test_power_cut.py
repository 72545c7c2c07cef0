"""What a power cut leaves of a run: all that was acknowledged, and nothing that cannot be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_CUTS = 12
_SCRIPT = Path(__file__).with_name("power_cuts.py")


@pytest.mark.parametrize(("seed", "failing"), [(3, "none"), (5, "readable"), (5, "dropped")])
def test_whenever_the_power_goes_what_was_forced_is_there(tmp_path: Path, seed: int, failing: str) -> None:
    """Two sessions of one run, cut at many moments: opened, read, verified, and some resumed.

    What was not forced is torn and reordered. Where `fsync` fails now and then, what the monitor does not call unsafe
    is there all the same.
    """
    command = [sys.executable, "-W", "error", str(_SCRIPT), str(tmp_path), str(seed), str(_CUTS), failing]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)

    assert said["wrong"] == []
    assert said["seen"]["lost"] > 0  # else nothing was cut
    assert said["seen"]["sealed"] > 0
