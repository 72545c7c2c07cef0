"""Tools that change a live run: note, tag, checkpoint, learning rate, stop. Each needs a reason, which is recorded."""

import contextlib
import getpass
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from rlvitals.agents.tool import Tool, ToolAnswer
from rlvitals.errors import RlvitalsError
from rlvitals.monitor.request_desk import FAILED, KIND, REFUSED
from rlvitals.records import Event
from rlvitals.runs import Run
from rlvitals.runs.lock import host_name
from rlvitals.runs.named_runs import run_named
from rlvitals.runs.queries import last_records
from rlvitals.runs.request_files import Request, RequestKind, place_request, withdraw_request

_WAIT_S = 10.0
"""Maximum wait for the recording process. It looks for requests about once per second."""
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

    run: str
    reason: Annotated[str, msgspec.Meta(max_length=500, pattern=r"\S")]


class AddNoteArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Add a note to a live training run.

    Attributes:
        text: Text of the note.
    """

    text: Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"\S")]


class AddTagArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Add a tag to a live training run, by which people find it.

    Attributes:
        tag: The tag, a short text.
    """

    tag: Annotated[str, msgspec.Meta(max_length=100, pattern=r"\S")]


class SaveCheckpointArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Save a checkpoint of a live Stable-Baselines3 training, in the artifacts of the run. The events hold its path."""


class LowerLearningRateArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Lower the learning rate of a live Stable-Baselines3 training, from its next update on.

    Attributes:
        factor: Factor of the learning rate, or of its whole schedule, between 0 and 1.
    """

    factor: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class StopTrainingArguments(OfLiveRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Stop a live training at its next step. It cannot be started again from here: save a checkpoint first.

    A Stable-Baselines3 training stops by itself. Any other training loop must check monitor.stop_requested.
    """


def _requested(kind: RequestKind, text: str = "") -> Callable[[Any, Path], ToolAnswer]:
    """Return the function of a tool.

    Args:
        kind: Kind of its requests.
        text: Argument with the text of a request. Empty if it has none.
    """

    def answer(arguments: Any, folder: Path) -> ToolAnswer:
        request = Request(
            kind=kind,
            reason=arguments.reason,
            by=f"an agent of {_user()}@{host_name()}",
            text=getattr(arguments, text) if text else "",
            **({"factor": arguments.factor} if isinstance(arguments, LowerLearningRateArguments) else {}),
        )
        return ToolAnswer(send_request(run_named(arguments.run, folder), request))

    return answer


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
    Tool(name, title, arguments, (RequestResult,), answer, is_reading=False)
    for name, title, arguments, answer in (
        ("add_note", "Add a note to a live run", AddNoteArguments, _requested("note", "text")),
        ("add_tag", "Add a tag to a live run", AddTagArguments, _requested("tag", "tag")),
        ("save_checkpoint", "Save a checkpoint of a live run", SaveCheckpointArguments, _requested("checkpoint")),
        (
            "lower_learning_rate",
            "Lower the learning rate of a live run",
            LowerLearningRateArguments,
            _requested("learning-rate"),
        ),
        ("stop_training", "Stop a live run", StopTrainingArguments, _requested("stop")),
    )
)
"""Tools that change a live run, offered only with `--allow-actions`."""
