"""The command line as a whole."""

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
    """The name of a run that cannot be opened, and why."""
    name: str = request.param
    header, reason = HEADERS[name]
    if header is not None:
        (logs / name).mkdir(parents=True)
        (logs / name / "run.json").write_text(header)
    return name, reason


def test_it_says_its_version(invoke: Invoke) -> None:
    """The same as the package's."""
    assert invoke("--version").stdout == f"rlvitals {rlvitals.__version__}\n"


def test_without_a_command_it_shows_the_commands(invoke: Invoke) -> None:
    """Each with its first sentence, whole."""
    shown = invoke().stdout + invoke().stderr

    assert all(f"\n  {command} " in shown for command in COMMANDS)
    assert "..." not in shown.split("Commands:")[1]


@pytest.mark.parametrize("command", ["lss", "main", "words", ""])
def test_what_is_no_command_is_refused(invoke: Invoke, command: str) -> None:
    """A file of the folder that is no command is none."""
    result = invoke(command)

    assert result.exit_code == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize("command", ["show", "tail", "verify"])
def test_a_run_that_cannot_be_opened_is_refused_in_one_line(
    invoke: Invoke, unopened: tuple[str, str], command: str
) -> None:
    """On standard error, with exit code 2, with the reason, without a traceback."""
    name, reason = unopened
    result = invoke(command, name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("rlvitals: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["show", "tail", "verify"])
def test_a_header_that_cannot_be_read_is_refused_in_one_line(invoke: Invoke, logs: Path, command: str) -> None:
    """The system's own reason is told."""
    (logs / "run" / "run.json").mkdir(parents=True)
    result = invoke(command, "run")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "rlvitals: logs/run/run.json cannot be read: Is a directory\n"


def test_an_error_of_the_system_is_one_line(invoke: Invoke) -> None:
    """It names the path and the reason, as the system has them."""
    name = "n" * 300
    result = invoke("show", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("rlvitals: nnn")
    assert result.stderr.endswith("n/run.json: File name too long\n")


def test_a_name_cannot_break_the_line_nor_steer_the_terminal(invoke: Invoke) -> None:
    """Whatever it is made of."""
    result = invoke("show", "two\nlines \x1b[31m")

    assert result.exit_code == 2
    assert result.stderr.startswith("rlvitals: no run 'two\\nlines \\x1b[31m' in")
    assert result.stderr.count("\n") == 1


def test_the_entry_point_runs_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As the installed script does."""
    monkeypatch.setattr(sys, "argv", ["rlvitals", "--version"])

    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().out) == (0, f"rlvitals {rlvitals.__version__}\n")


def test_the_command_line_loads_no_database_and_no_tables_before_a_command_needs_them() -> None:
    """Its start is quick."""
    code = "import sys, rlvitals.cli.main; print(*sorted({'duckdb', 'rich', 'torch', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(invoke: Invoke, command: str) -> None:
    """What the help knows, the page of commands knows."""
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
        ("compare", "Missing argument 'RUN'; see  rlvitals compare --help"),
        ("--colour", "No such option"),
        ("shwo", "No such command 'shwo'"),
        ("report --since 1x", "Invalid value for --since: '1x' is not a period"),
    ],
)
def test_wrong_words_are_one_line(invoke: Invoke, words: str, said: str) -> None:
    """It begins as every failure does, and says where it stands what is right."""
    result = invoke(*words.split())

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"rlvitals: {' '.join(said.split())}")
    assert words.split(maxsplit=1)[0] in result.stderr
    assert "--help" in result.stderr
    assert "Value error" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_usage_has_no_braces(invoke: Invoke, command: str) -> None:
    """What has to be there is a word in capitals."""

    assert not {"{", "}"} & set(invoke(command, "--help").stdout.splitlines()[0])
