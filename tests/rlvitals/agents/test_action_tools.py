"""Tools that change a live run: a client asks a server in a subprocess, and a monitor in this process answers."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from event_loops import run_in_loop
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.agents.action_tools import ACTION_TOOLS, RequestRefusedError, send_request
from rlvitals.agents.tool import ToolArgumentError
from rlvitals.errors import RunNotFoundError
from rlvitals.runs.request_files import Request

ACTIONS = ["add_note", "add_tag", "save_checkpoint", "lower_learning_rate", "stop_training"]
QUICK = RecorderSettings(
    system_interval_s=None, diagnosis_interval_s=None, heartbeat_s=0.05, fsync_interval_s=0.05, close_s=5.0
)
NOTE = Request(kind="note", reason="why", by="me", text="hello")
TOOLS = {tool.name: tool for tool in ACTION_TOOLS}
Call = tuple[str, dict[str, Any]]


class Begins(BaseCallback):
    """Notes that the training has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()

    def _on_step(self) -> bool:
        self.begun.set()
        return True


@pytest.fixture
def live(tmp_path: Path) -> Iterator[TrainingMonitor]:
    with TrainingMonitor(tmp_path, session_name="live", settings=QUICK) as monitor:
        yield monitor


def results_of(folder: Path, *calls: Call) -> tuple[list[str], list[CallToolResult]]:
    """Return the names of the tools of a server that allows actions, and the results of calls."""

    async def ask() -> tuple[list[str], list[CallToolResult]]:
        command = ["-m", "rlvitals", "mcp", "--folder", str(folder), "--allow-actions"]
        server = StdioServerParameters(command=sys.executable, args=command, cwd=folder)
        async with Client(stdio_client(server)) as client:
            tools = (await client.list_tools()).tools
            assert {tool.name: tool.annotations and tool.annotations.read_only_hint for tool in tools}[
                "add_tag"
            ] is False
            return [tool.name for tool in tools], [await client.call_tool(*call) for call in calls]

    return run_in_loop(ask)


def text_of(result: CallToolResult) -> str:
    text: str = getattr(result.content[0], "text")  # noqa: B009 - other kinds of content have none
    return text


def test_a_live_run_is_changed(live: TrainingMonitor) -> None:
    """A note and a tag are in the run with their reasons, and a stop reaches a loop that checks for it."""
    assert not live.stop_requested
    why = {"run": "live", "reason": "the loss is NaN"}
    names, results = results_of(
        live.path.parent,
        ("add_note", {**why, "text": "look here"}),
        ("add_tag", {**why, "tag": "diverged"}),
        ("save_checkpoint", why),
        ("add_note", {**why, "reason": " ", "text": "no reason"}),
    )
    note, tag, checkpoint, no_reason = results

    assert names[-5:] == ACTIONS
    assert [result.is_error for result in results] == [False, False, True, True]
    document: Any = note.structured_content
    assert (document["document"]["state"], len(document["document"]["events"])) == ("done", 2)
    assert live.run.header.tags == ["diverged"]
    assert "Added the tag diverged: the loss is NaN" in text_of(tag)
    assert "needs a VitalsCallback that is training" in text_of(checkpoint)
    assert "at `$.reason`" in text_of(no_reason)


def test_the_document_matches_its_schema(live: TrainingMonitor) -> None:
    """Every tool for actions has the same answer."""
    result = ACTION_TOOLS[0].call({"run": "live", "reason": "why", "text": "hello"}, live.path.parent)

    assert result["document"]["run_id"] == "live"
    assert [event["kind"] for event in result["document"]["events"]] == ["request", "note"]


@pytest.mark.parametrize(
    ("tool", "argument", "text", "reason"),
    [
        ("add_tag", "tag", " \n weird\x00", "a tag must have at most 100 printable characters"),
        ("add_tag", "tag", "two\nlines", "a tag must have at most 100 printable characters"),
        ("add_tag", "tag", "x" * 101, "length <= 100"),
        ("add_note", "text", "x" * 1_001, "length <= 1000"),
        ("add_note", "text", "a \ud800", "lone surrogates, which are invalid Unicode"),
        ("stop_training", "run", "\ud800", "lone surrogates, which are invalid Unicode"),
    ],
)
def test_an_invalid_text_is_an_error_of_the_arguments(
    tmp_path: Path, tool: str, argument: str, text: str, reason: str
) -> None:
    """It is found before a run is opened."""
    arguments = {"run": "live", "reason": "why", argument: text}

    with pytest.raises(ToolArgumentError, match=reason):
        TOOLS[tool].call(arguments, tmp_path)


def test_spaces_around_a_tag_are_removed(live: TrainingMonitor) -> None:
    """A tag that differs only in spaces is the same tag."""
    TOOLS["add_tag"].call({"run": "live", "reason": " why\n", "tag": " diverged\n"}, live.path.parent)

    assert live.run.header.tags == ["diverged"]


def test_a_real_training_is_stopped(tmp_path: Path) -> None:
    """The maintenance thread takes the request, the training thread carries it out, and `learn` returns."""
    vitals = VitalsCallback(tmp_path, session_name="ppo", settings=QUICK)
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, batch_size=64, n_epochs=1, device="cpu", seed=0)
    with ThreadPoolExecutor() as pool:
        begins = Begins()
        training = pool.submit(model.learn, 10_000_000, callback=CallbackList([vitals, begins]))
        assert begins.begun.wait(60.0)
        found = send_request(vitals.monitor.run, Request(kind="stop", reason="enough", by="me"), wait_s=60.0)

        assert training.result(60.0).num_timesteps < 10_000_000
    assert (found.state, found.events[-1].code, vitals.monitor.status) == ("done", "stop-training", "completed")


def test_a_request_that_the_training_has_not_carried_out_is_reported(live: TrainingMonitor) -> None:
    """A loop that checks seldom stops later."""
    assert not live.stop_requested
    found = send_request(live.run, Request(kind="stop", reason="why", by="me"), wait_s=0.5)

    assert (found.state, [event.kind for event in found.events], live.stop_requested) == ("received", ["request"], True)


def test_a_finished_run_is_not_changed(live: TrainingMonitor) -> None:
    """The error names the status, and no file is left."""
    live.close()

    with pytest.raises(RequestRefusedError, match="is not live: its status is completed"):
        send_request(live.run, NOTE)
    assert not live.run.layout.requests.exists()


def test_a_run_outside_of_the_folder_is_not_changed(
    live: TrainingMonitor, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a path nor the working directory leads out of the folder of the server."""
    monkeypatch.chdir(live.path.parent)
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    for name in ("live", str(live.path)):
        with pytest.raises(RunNotFoundError, match="is outside of the folder"):
            ACTION_TOOLS[0].call({"run": name, "reason": "why", "text": "hello"}, elsewhere)
    assert not live.run.layout.requests.exists()


def test_a_request_that_nobody_takes_is_withdrawn(tmp_path: Path) -> None:
    """A recorder that takes no requests does not find it later."""
    settings = RecorderSettings(system_interval_s=None, take_requests=False)
    with TrainingMonitor(tmp_path, session_name="deaf", settings=settings) as monitor:
        with pytest.raises(RequestRefusedError, match="did not take the request, so it was withdrawn"):
            send_request(monitor.run, NOTE, wait_s=0.0)

        assert list(monitor.run.layout.requests.iterdir()) == []
