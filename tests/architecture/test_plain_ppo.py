"""The guide that records a plain PPO: its diff applies to the example, is short, and records every update."""

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rlvitals import open_runs

MOST_LINES = 20
"""Maximum number of added and removed lines, so that recording stays a small change."""


@pytest.fixture
def diff(root: Path) -> str:
    page = (root / "docs/guides/plain-ppo.md").read_text(encoding="utf-8")
    found = re.search(r"^```diff\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def script_in(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_diff_is_short(diff: str) -> None:
    """Recording takes at most 20 changed lines, blank ones included. The guide and the changelog say how many."""

    changed = [line for line in diff.splitlines() if re.match(r"[+-](?![+-]{2} )", line)]
    assert len(changed) == 15 < MOST_LINES


def test_the_recorded_script_trains(root: Path, diff: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The changed script records each of its updates and its episodes, and the run is completed and judged as PPO."""

    monkeypatch.chdir(tmp_path)
    (tmp_path / "ppo_plain.py").write_bytes((root / "examples/ppo_plain.py").read_bytes())
    subprocess.run(["git", "apply", "-"], input=diff, text=True, check=True)
    script = script_in(tmp_path / "ppo_plain.py")
    script.main(script.Settings(total_timesteps=4 * 512))

    (run,) = open_runs(tmp_path / "logs")
    updates = list(run.records("updates"))
    assert [(u.update, u.env_step) for u in updates] == [(number, 512 * number) for number in range(1, 5)]
    assert all(u.kl_divergence is not None and u.gradient_norm is not None for u in updates)
    assert run.header.status == "completed"
    assert run.header.configuration["algorithm"] == "PPO"
    assert 1_500 < sum(e.length for e in run.records("episodes")) <= 2_048
