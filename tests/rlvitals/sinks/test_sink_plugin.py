"""The example plug-in as an installed package, and the documentation page that lists every sink."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor, plugins
from rlvitals.sinks import make_sink, sink_names, sink_registry

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "sink_plugin"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Folder for `sys.path` with the example as `pip install` installs it, built from its `pyproject.toml`."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    info = site / f"rlvitals_best-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    offered = project["entry-points"][sink_registry.GROUP]
    lines = [f"[{sink_registry.GROUP}]", *(f"{name} = {what}" for name, what in offered.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (site / "rlvitals_best.py").symlink_to(EXAMPLE / "rlvitals_best.py")
    return site


@pytest.fixture
def found(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the plug-in available in this process."""
    monkeypatch.syspath_prepend(installed)
    plugins.offered.cache_clear()
    yield
    plugins.offered.cache_clear()
    sys.modules.pop("rlvitals_best", None)


@pytest.mark.usefixtures("found")
def test_the_example_is_found_by_name_and_used_in_a_run(tmp_path: Path) -> None:
    """The entry point is sufficient."""

    assert "best" in sink_names()
    assert type(make_sink("best")).__module__ == "rlvitals_best"
    with TrainingMonitor(tmp_path, session_name="a", sinks=["best"]) as monitor:
        monitor.log_episode(0, 1.5, 10)
    assert monitor.dropped_records().sinks == {}
    assert b'"reward":1.5' in (tmp_path / "a" / "artifacts" / "best.json").read_bytes()


def test_the_examples_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    """They run in a separate process, as its author runs them."""

    pytest_there = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE)]
    done = subprocess.run(
        [*pytest_there, str(EXAMPLE / "tests")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "TestContract::test_it_accepts_every_kind PASSED" in done.stdout
    assert "test_the_best_episode_is_kept PASSED" in done.stdout


def test_every_sink_is_on_the_documentation_page() -> None:
    """The page lists the name and the class of each sink."""

    page = (ROOT / "docs" / "reference" / "sinks.md").read_text()
    points = distribution("rlvitals").entry_points.select(group=sink_registry.GROUP)
    assert len(points) >= 8
    for point in points:
        assert f"| `{point.name}` | `{point.attr}` |" in page
