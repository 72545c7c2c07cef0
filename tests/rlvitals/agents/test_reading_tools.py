"""Tools that read runs, without the server."""

from pathlib import Path
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.agents.reading_tools import _QUERY_S, READING_TOOLS, QuerySql
from rlvitals.errors import RlvitalsError

TOOLS = {tool.name: tool for tool in READING_TOOLS}


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of a run in the working directory. The folder `served` next to it has a run too."""
    monkeypatch.chdir(tmp_path)
    settings = RecorderSettings(system_interval_s=None)
    for folder in (tmp_path, tmp_path / "served"):
        with TrainingMonitor(folder, session_name=f"of-{folder.name}", settings=settings) as monitor:
            monitor.log_episode(0, 1.0, 1)
    return tmp_path / f"of-{tmp_path.name}"


@pytest.mark.parametrize("is_path", [True, False])
@pytest.mark.parametrize(
    ("tool", "argument"),
    [
        *[(name, "run") for name in ("show_run", "check_run", "tail_records", "report")],
        *[(name, "runs") for name in ("compare_runs", "query_sql")],
    ],
)
def test_a_run_outside_of_the_folder_is_refused(outside: Path, tool: str, argument: str, *, is_path: bool) -> None:
    """Neither a path nor the working directory leads out of the folder of the server."""
    name = str(outside) if is_path else outside.name
    arguments: dict[str, Any] = {argument: [name] if argument == "runs" else name}
    if tool == "query_sql":
        arguments["query"] = "SELECT 1"

    with pytest.raises(RlvitalsError, match="is outside of the folder"):
        TOOLS[tool].call(arguments, outside.parent / "served")


def test_the_time_limit_of_a_query_is_in_its_description() -> None:
    """An agent reads it before it writes a query."""
    assert f"is stopped after {_QUERY_S:.0f} seconds" in (QuerySql.__doc__ or "")
