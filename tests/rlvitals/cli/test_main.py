"""Tests of the command line as a whole."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import rlvitals
from rlvitals.cli.main import COMMANDS, main

Invoke = Callable[..., Result]

HEADERS: dict[str, tuple[str | None, str]] = {
    "missing": (None, "no run 'missing'"),
    "foreign": ('{"format": "something-else"}', "is not the header of a run"),
    "corrupt": ('{"format": "rlvi', "is damaged"),
    "newer": ('{"format": "rlvitals-run", "version": 999}', "Upgrade with"),
    "nameless": ('{"format": "rlvitals-run", "version": 1}', "run_id"),
}


@pytest.fixture(params=HEADERS)
def unopened(request: pytest.FixtureRequest, logs: Path) -> tuple[str, str]:
    """Name of a run that cannot be opened, and the reason."""
    name: str = request.param
    header, reason = HEADERS[name]
    if header is not None:
        (logs / name).mkdir(parents=True)
        (logs / name / "run.json").write_text(header)
    return name, reason


def test_version_prints_the_package_version(invoke: Invoke) -> None:
    """The version is that of the package."""
    assert invoke("--version").stdout == f"rlvitals {rlvitals.__version__}\n"


def test_without_a_command_the_commands_are_listed(invoke: Invoke) -> None:
    """Each command has its first sentence in full."""
    shown = invoke().stdout + invoke().stderr

    assert all(f"\n  {command} " in shown for command in COMMANDS)
    assert "..." not in shown.split("Commands:")[1]


@pytest.mark.parametrize("command", ["lss", "main", "words", ""])
def test_an_unknown_command_is_refused(invoke: Invoke, command: str) -> None:
    """Modules of the package that are not commands are refused too."""
    result = invoke(command)

    assert result.exit_code == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize("command", ["show", "tail", "verify"])
def test_a_run_that_cannot_be_opened_is_refused_in_one_line(
    invoke: Invoke, unopened: tuple[str, str], command: str
) -> None:
    """Standard error has one line with the reason, and the exit code is 2."""
    name, reason = unopened
    result = invoke(command, name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("rlvitals: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["show", "tail", "verify"])
def test_a_header_that_cannot_be_read_is_refused_in_one_line(invoke: Invoke, logs: Path, command: str) -> None:
    """The line contains the reason from the operating system."""
    (logs / "run" / "run.json").mkdir(parents=True)
    result = invoke(command, "run")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "rlvitals: logs/run/run.json cannot be read: Is a directory\n"


def test_an_error_of_the_operating_system_is_one_line(invoke: Invoke) -> None:
    """The line has the path and the reason."""
    name = "n" * 300
    result = invoke("show", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("rlvitals: nnn")
    assert result.stderr.endswith("n/run.json: File name too long\n")


def test_names_are_escaped_in_error_messages(invoke: Invoke) -> None:
    """Line breaks and control characters in a name do not reach the terminal."""
    result = invoke("show", "two\nlines \x1b[31m")

    assert result.exit_code == 2
    assert result.stderr.startswith("rlvitals: no run 'two\\nlines \\x1b[31m' in")
    assert result.stderr.count("\n") == 1


def test_the_entry_point_runs_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`main` parses the arguments like the installed script."""
    monkeypatch.setattr(sys, "argv", ["rlvitals", "--version"])

    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().out) == (0, f"rlvitals {rlvitals.__version__}\n")


def test_importing_the_command_line_loads_no_large_package() -> None:
    """The command line starts fast."""
    code = "import sys, rlvitals.cli.main; print(*sorted({'duckdb', 'rich', 'torch', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(invoke: Invoke, command: str) -> None:
    """The pages of commands have a section for each command with all its options."""
    pages = (Path(__file__).parents[3] / "docs" / "reference" / "commands").glob("*.md")
    page = "".join(re.sub("^# `", "## `", path.read_text(encoding="utf-8")) for path in pages)
    section = page.split(f"## `rlvitals {command}")[1].split("\n## ")[0]
    words = invoke(command, "--help").stdout.replace(",", " ").split()
    options = {word for word in words if word.startswith("-") and word.strip("-") and word != "--help"}

    assert {option for option in options if f"`{option}" not in section} == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tail run --stream foo", "Invalid value for '--stream': 'foo' is not one of 'episodes', 'updates'"),
        ("compare", "Missing argument 'RUN'. See `rlvitals compare --help`"),
        ("--colour", "No such option"),
        ("shwo", "No such command 'shwo'"),
        ("report --since 1x", "Invalid value for --since: '1x' is not a period"),
    ],
)
def test_usage_errors_are_one_line(invoke: Invoke, words: str, said: str) -> None:
    """The line starts with `rlvitals:` and names the help command."""
    result = invoke(*words.split())

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"rlvitals: {' '.join(said.split())}")
    assert words.split(maxsplit=1)[0] in result.stderr
    assert "--help" in result.stderr
    assert "Value error" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_usage_lines_have_no_braces(invoke: Invoke, command: str) -> None:
    """Required arguments are words in capitals."""

    assert not {"{", "}"} & set(invoke(command, "--help").stdout.splitlines()[0])
