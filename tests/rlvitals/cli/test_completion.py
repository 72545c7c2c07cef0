"""Tests of shell completion, called as the scripts of the shells do."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rlvitals import TrainingMonitor
from rlvitals.cli.main import COMMANDS, app

Monitor = Callable[..., TrainingMonitor]
Invoke = Callable[..., Result]


def completed(line: str) -> list[str]:
    """Return what bash offers at the end of a line."""
    words = line.split(" ")
    asked = {"_RLVITALS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return CliRunner().invoke(app, [], env=asked, prog_name="rlvitals").stdout.split()


@pytest.fixture
def runs(monitor: Monitor, logs: Path) -> None:
    """Two runs in the default folder, and one in another folder with a damaged header."""
    for name in ("PPO-1", "SAC-1"):
        monitor(name).close()
    (logs.parent / "runs" / "deep" / "PPO-2").mkdir(parents=True)
    (logs.parent / "runs" / "deep" / "PPO-2" / "run.json").write_text("{")


def test_commands_are_completed() -> None:
    """Commands are completed by name."""
    assert completed("rlvitals s") == [name for name in COMMANDS if name.startswith("s")]


@pytest.mark.parametrize(
    "command", ["show", "stats", "check", "watch", "tail", "report", "export", "verify", "compare", "sql x"]
)
@pytest.mark.usefixtures("runs")
def test_runs_are_completed_by_name(command: str) -> None:
    """Runs in the selected folder are completed without opening them."""
    assert completed(f"rlvitals {command} ") == ["PPO-1", "SAC-1"]
    assert completed(f"rlvitals {command} P") == ["PPO-1"]
    assert completed(f"rlvitals {command} --folder runs P") == ["PPO-2"]


@pytest.mark.parametrize("words", ["show logs/P", "show --folder gone P", "ls l"])
@pytest.mark.usefixtures("runs")
def test_paths_are_left_to_the_shell(words: str) -> None:
    """Arguments with a slash, missing folders and folder arguments are not completed."""
    assert [word for word in completed(f"rlvitals {words}") if "-" in word] == []


def test_metrics_and_choices_are_completed() -> None:
    """Episode metrics are completed by name, metrics of other streams with the stream."""
    assert completed("rlvitals compare --metric rew") == ["reward"]
    assert completed("rlvitals compare --metric updates.ent") == ["updates.entropy"]
    assert completed("rlvitals tail --stream ev") == ["evaluations", "events"]


def test_completing_a_command_imports_no_command() -> None:
    """The first completion is fast."""
    code = (
        "import sys, rlvitals.cli.main as m\n"
        "found = m.app\n"
        "import typer; group = typer.main.get_command(found)\n"
        "context = group.make_context('rlvitals', [], resilient_parsing=True)\n"
        "assert [item.value for item in group.shell_complete(context, 'w')] == ['watch']\n"
        "print(*sorted({'duckdb', 'rich.console', 'numpy', 'rlvitals.cli.watch'} & set(sys.modules)))\n"
        "assert group.get_command(context, 'watch').params\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"


def test_the_help_lists_the_completion_options(invoke: Invoke) -> None:
    """The help shows both options."""
    shown = invoke("--help").stdout

    assert "--install-completion" in shown
    assert "--show-completion" in shown
