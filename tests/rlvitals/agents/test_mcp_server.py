"""The server for agents, called by the client of the official SDK in a subprocess."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from event_loops import run_in_loop
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult
from mcp_types import Tool as ListedTool
from typer.testing import CliRunner

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.cli.main import app

READING = ["list_runs", "show_run", "check_run", "compare_runs", "query_sql", "tail_records", "report"]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "list": ("list_runs", {}),
    "list one": ("list_runs", {"limit": 1}),
    "show": ("show_run", {"run": "a", "window": 10}),
    "check": ("check_run", {"run": "a"}),
    "compare": ("compare_runs", {"runs": ["a", "b"], "lower_is_better": True}),
    "rank": ("compare_runs", {"runs": ["b"]}),
    "sql": ("query_sql", {"query": "SELECT episode, reward FROM episodes ORDER BY run, episode", "limit": 3}),
    "sql of runs": ("query_sql", {"query": "SELECT count(*) AS n FROM episodes", "runs": ["a", "nothere"]}),
    "tail": ("tail_records", {"run": "a", "number": 2}),
    "report": ("report", {"run": "a"}),
    "newest": ("check_run", {}),
    "no run": ("show_run", {"run": "nothere"}),
    "no runs": ("query_sql", {"query": "SELECT 1", "runs": ["nothere"]}),
    "no column": ("query_sql", {"query": "SELECT nothing FROM episodes"}),
    "two runs": ("check_run", {"run": "*"}),
    "unknown argument": ("check_run", {"name": "a"}),
    "wrong argument": ("tail_records", {"number": 0}),
    "unknown tool": ("delete_run", {}),
}


class Session:
    """What a client received from one server.

    Args:
        folder: Folder of runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tools: dict[str, ListedTool] = {}
        self.results: dict[str, CallToolResult] = {}
        run_in_loop(self._ask)

    async def _ask(self) -> None:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "rlvitals", "mcp", "--folder", str(self.folder)], cwd=self.folder
        )
        async with Client(stdio_client(server)) as client:
            self.tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            for name, (tool, arguments) in CALLS.items():
                self.results[name] = await client.call_tool(tool, arguments)

    def document(self, name: str) -> Any:
        """Return the document of a successful call."""
        content: Any = self.results[name].structured_content
        return content["document"]

    def notes(self, name: str) -> Any:
        """Return the notes of a successful call."""
        content: Any = self.results[name].structured_content
        return content["notes"]

    def text(self, name: str) -> str:
        """Return the text of a call."""
        text: str = getattr(self.results[name].content[0], "text")  # noqa: B009 - other kinds of content have none
        return text


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("runs")
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
    for name in ("a", "b"):
        with TrainingMonitor(folder, session_name=name, settings=settings) as monitor:
            for episode in range(30):
                monitor.log_episode(
                    episode, float("nan") if episode == 7 else float(episode), 5, env_step=5 * (episode + 1)
                )
    return Session(folder)


def printed(session: Session, *words: str) -> Any:
    """Return what a command prints with `--json`."""
    return json.loads(CliRunner().invoke(app, [*words, "--folder", str(session.folder), "--json"]).stdout)


def test_the_reading_tools_are_listed(session: Session) -> None:
    """Without --allow-actions there are only tools that read, and they say so."""
    assert list(session.tools) == READING
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in session.tools.values())


@pytest.mark.parametrize("tool", READING)
def test_a_tool_describes_itself_and_its_arguments(session: Session, tool: str) -> None:
    """Every tool and argument has a description, and both schemas are valid."""
    listed = session.tools[tool]

    assert len(listed.description or "") > 50
    assert all(one.get("description") for one in listed.input_schema["properties"].values())
    assert (listed.input_schema["type"], listed.input_schema["additionalProperties"]) == ("object", False)
    for schema in (listed.input_schema, listed.output_schema):
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("call", [name for name in CALLS if not name.startswith(("no ", "two", "unknown", "wrong"))])
def test_a_result_matches_its_schema(session: Session, call: str) -> None:
    """The result is structured, and the same as text for clients that read only text."""
    tool, _ = CALLS[call]
    result = session.results[call]

    assert (result.is_error, json.loads(session.text(call))) == (False, result.structured_content)
    Draft202012Validator(session.tools[tool].output_schema or {}).validate(result.structured_content)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("show", ("show", "a", "--window", "10")),
        ("check", ("check", "a")),
        ("compare", ("compare", "a", "b", "--lower-is-better")),
        ("rank", ("compare", "b")),
    ],
)
def test_a_document_is_that_of_the_command(session: Session, call: str, words: tuple[str, ...]) -> None:
    """A tool and `--json` take the document from one function."""
    assert session.document(call) == printed(session, *words)


def test_a_limited_answer_says_what_is_missing(session: Session) -> None:
    """The notes hold the number of rows and of runs that were left out."""
    assert [row["reward"] for row in session.document("sql")["rows"]] == [0.0, 1.0, 2.0]
    assert session.notes("sql") == ["rows: only the first 3, there are more; raise limit, or aggregate in the query"]
    assert session.notes("list one") == ["1 older run not listed; raise limit to list more"]
    assert session.document("sql of runs")["rows"] == [{"n": 30}]
    assert session.notes("sql of runs")[0].startswith("skipped nothere: ")


def test_the_newest_run_is_named(session: Session) -> None:
    """Without a name, a tool takes the newest run and says so."""
    assert (session.document("newest")["run_id"], session.notes("newest")) == ("b", ["this is the newest run, b"])


def test_tail_and_report_answer_with_records_and_text(session: Session) -> None:
    """Records are as in `tail --json`, and the report is Markdown."""
    assert [record["reward"] for record in session.document("tail")["records"]] == [28.0, 29.0]
    assert session.document("report")["markdown"].startswith("# a\n")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("no run", "no run 'nothere' in"),
        ("no runs", "skipped nothere: "),
        ("no column", 'Referenced column "nothing" not found'),
        ("two runs", "2 runs match '*'"),
        ("unknown argument", "Object contains unknown field `name`. The arguments of check_run are run."),
        ("wrong argument", "Expected `int` >= 1 - at `$.number`. The arguments of tail_records are"),
        ("unknown tool", "no tool is named 'delete_run': use one of list_runs, show_run"),
    ],
)
def test_an_error_is_a_result_that_says_what_to_do(session: Session, call: str, reason: str) -> None:
    """The client receives the same text as a user of the command line."""
    assert (session.results[call].is_error, reason in session.text(call)) == (True, True)


def test_only_the_protocol_is_printed(session: Session) -> None:
    """A message that is not of the protocol would have ended the session, and each call has its own result."""
    assert session.results.keys() == CALLS.keys()


def test_a_running_call_ends_with_its_client(tmp_path: Path) -> None:
    """The server answers other calls meanwhile, and its process ends when the client closes the input."""
    endless = "SELECT count(*) FROM range(10_000_000_000) a, range(10_000_000_000) b"
    start = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": start},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "query_sql", "arguments": {"query": endless}}},
        {"id": 3, "method": "tools/call", "params": {"name": "list_runs", "arguments": {}}},
    ]
    command = [sys.executable, "-m", "rlvitals", "mcp", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdin is not None
            assert server.stdout is not None
            for message in messages:
                server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            server.stdin.flush()
            answered = [json.loads(server.stdout.readline())["id"] for _ in range(2)]
            server.stdin.close()

            assert (answered, server.wait(20.0)) == ([1, 3], 0)
        finally:
            server.kill()


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server is optional."""
    for name in ("rlvitals.agents.mcp_server", "mcp.server", "mcp"):
        monkeypatch.setitem(sys.modules, name, None)

    result = CliRunner().invoke(app, ["mcp", "--folder", str(tmp_path)])
    assert (result.exit_code, "rlvitals[mcp]" in result.stderr) == (2, True)
