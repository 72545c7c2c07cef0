"""Tools that change a live run: note, tag, checkpoint, learning rate, stop. Each needs a reason, which is recorded."""

import contextlib
import getpass
import os
import time
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from rlvitals.agents.tool import Tool, ToolAnswer
from rlvitals.errors import RlvitalsError
from rlvitals.monitor.request_desk import FAILED, KIND, REFUSED
from rlvitals.records import Event
from rlvitals.runs import Run
from rlvitals.runs.lock import host_name
from rlvitals.runs.named_runs import run_named
from rlvitals.runs.queries import last_records
from rlvitals.runs.request_files import (
    RateFactor,
    Request,
    RequestKind,
    RequestText,
    TagText,
    place_request,
    withdraw_request,
)

_WAIT_S = 10.0
"""Maximum wait for the recording process. It checks for requests about once per second."""
_PAUSE_S = 0.1
_EVENTS = 200
"""Number of last events in which the answer is looked for."""


class RequestRefusedError(RlvitalsError):
    """A request that the recording process refused or did not take."""


class RequestResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a request to a live run.

    Attributes:
        run_id: Name of the run.
        request: Id of the request, which is in the `data` of its events.
        state: `done`, or `received` if the training has not carried it out yet. Its events will show when it does.
        events: Events of the request, oldest first.
    """

    run_id: str
    request: str
    state: Literal["done", "received"]
    events: list[Event]


class OfLiveRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Arguments of a tool that changes a live run.

    Attributes:
        run: Name of the run, path of its folder, or a pattern that matches one run.
        reason: Why, in one sentence. It is recorded in the run.
    """

    kind: ClassVar[RequestKind]
    run: str
    reason: RequestText

    def __post_init__(self) -> None:
        """Check that the arguments are a request.

        Raises:
            ValueError: A text is invalid.
        """
        self.request()

    def request(self) -> Request:
        """Return the request."""
        return self._request()

    def _request(self, **details: Any) -> Request:
        return Request(kind=self.kind, reason=self.reason, by=f"an agent of {_user()}@{host_name()}", **details)


class AddNoteArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Add a note to a live training run.

    Attributes:
        text: Text of the note.
    """

    kind = "note"
    text: RequestText

    def request(self) -> Request:
        """Return the request with the note."""
        return self._request(text=self.text)


class AddTagArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Add a tag to a live training run, by which people find it.

    Attributes:
        tag: The tag, a short text on one line.
    """

    kind = "tag"
    tag: TagText

    def request(self) -> Request:
        """Return the request with the tag."""
        return self._request(text=self.tag)


class SaveCheckpointArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Save a checkpoint of a live Stable-Baselines3 training, in the artifacts of the run. The events hold its path."""

    kind = "checkpoint"


class LowerLearningRateArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Lower the learning rate of a live Stable-Baselines3 training, from its next update on.

    Attributes:
        factor: Factor of the learning rate, or of its whole schedule, between 0 and 1.
    """

    kind = "learning-rate"
    factor: RateFactor

    def request(self) -> Request:
        """Return the request with the factor."""
        return self._request(factor=self.factor)


class StopTrainingArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Stop a live training at its next step. It cannot be started again from here: save a checkpoint first.

    A Stable-Baselines3 training stops by itself. Any other training loop must check monitor.stop_requested.
    """

    kind = "stop"


def _answer(arguments: OfLiveRun, folder: Path) -> ToolAnswer:
    return ToolAnswer(send_request(run_named(arguments.run, folder), arguments.request()))


def send_request(run: Run, request: Request, *, wait_s: float = _WAIT_S) -> RequestResult:
    """Send a request to the recording process of a run, and wait until it is carried out.

    Args:
        run: Live run.
        request: Request to send.
        wait_s: Maximum wait in seconds.

    Raises:
        RequestRefusedError: The run is not live, or the request was refused, failed or not taken.
        RunError: The run cannot be read.
        OSError: The request cannot be written.
    """
    vitality = run.vitality()
    if not vitality.is_open:
        raise RequestRefusedError(
            f"{run.path} is not live: its status is {vitality.status}. Only a run that is being recorded can be changed"
        )
    key = place_request(run.layout, request)
    until = time.monotonic() + wait_s
    while True:
        is_late = time.monotonic() >= until or not run.vitality().is_open
        events = [event for event in last_records(run, "events", _EVENTS) if _is_about(event, key)]
        failed = [event for event in events if (event.data or {}).get("state") in {REFUSED, FAILED}]
        if failed:
            raise RequestRefusedError(failed[-1].message)
        is_done = any(event.kind != KIND for event in events)
        if is_done or (is_late and events):
            state: Literal["done", "received"] = "done" if is_done else "received"
            return RequestResult(run_id=run.run_id, request=key, state=state, events=events)
        if is_late and withdraw_request(run.layout, key):
            raise RequestRefusedError(
                f"the process that records {run.path} did not take the request, so it was withdrawn. Check with "
                "list_runs whether the run is still live; its settings can also have take_requests=False"
            )
        if is_late and time.monotonic() >= until + wait_s:
            raise RequestRefusedError(f"{run.path} took the request, but recorded no answer; read its events")
        time.sleep(_PAUSE_S)


def _user() -> str:
    with contextlib.suppress(KeyError, OSError):  # the user can have no name in a container
        return getpass.getuser()
    return str(os.getuid())


def _is_about(event: Event, key: str) -> bool:
    return (event.data or {}).get("request") == key


ACTION_TOOLS = tuple(
    Tool(name, title, arguments, (RequestResult,), _answer, is_reading=False)
    for name, title, arguments in (
        ("add_note", "Add a note to a live run", AddNoteArguments),
        ("add_tag", "Add a tag to a live run", AddTagArguments),
        ("save_checkpoint", "Save a checkpoint of a live run", SaveCheckpointArguments),
        ("lower_learning_rate", "Lower the learning rate of a live run", LowerLearningRateArguments),
        ("stop_training", "Stop a live run", StopTrainingArguments),
    )
)
"""Tools that change a live run, offered only with `--allow-actions`."""
