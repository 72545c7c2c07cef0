"""Requests to a live run: each is recorded, and carried out by the monitor, by an adapter or by the training loop."""

import contextlib
from collections.abc import Iterable
from typing import Any

from rlvitals.errors import ClosedError
from rlvitals.formatting import counted
from rlvitals.monitor.event_methods import EventMethods
from rlvitals.recording import Recorder
from rlvitals.recording.options import tags_of
from rlvitals.runs.request_files import Request, RequestInbox, RequestKind

KIND = "request"
"""Kind of the event that records a request. The `state` in its `data` is one of the next three."""
RECEIVED, REFUSED, FAILED = "received", "refused", "failed"

_ASKS = {
    "note": "add a note",
    "tag": "add a tag",
    "stop": "stop the training",
    "checkpoint": "save a checkpoint",
    "learning-rate": "lower the learning rate",
}
_BY_THE_MONITOR = frozenset({"note", "tag"})
_NOBODY = "Nothing in this run can do that now: it needs a VitalsCallback that is training"
_NO_LOOP = f"{_NOBODY}, or a loop that checks monitor.stop_requested"


class RequestDesk:
    """Takes the requests to a live run. Methods are thread-safe.

    Args:
        recorder: Recorder of the run.
        events: Monitor that records events.
    """

    def __init__(self, recorder: Recorder, events: EventMethods) -> None:
        self._recorder = recorder
        self._events = events
        self._inbox = RequestInbox(recorder.session.layout)
        self._served: frozenset[RequestKind] = frozenset()
        self._is_checked = self._is_stopping = False
        self._pending: dict[str, Any] | None = None

    def serve(self, kinds: Iterable[RequestKind]) -> None:
        """Set the kinds of requests that an adapter carries out from now on. It finds them among the events.

        Args:
            kinds: Kinds of requests; none when the training ends.
        """
        self._served = frozenset(kinds)

    def poll(self) -> None:
        """Take the new requests, record them, and carry out those that the monitor can."""
        found = self._inbox.take()
        if found.ignored:
            files = counted(len(found.ignored), "request file")
            self._events.log_event(
                KIND,
                f"Ignored {files}: {found.ignored[0]}",
                severity="warning",
                code="ignored",
                data={"ignored": found.ignored},
            )
        for key, request in found.requests:
            try:
                self._receive(key, request)
            except Exception as error:  # noqa: BLE001 - the file is gone, and the sender and the next request wait
                self._fail(key, request, error)

    def is_stopping(self) -> bool:
        """Return whether a request asked the training to stop. The first such answer is recorded as an action."""
        self._is_checked = True
        about, self._pending = self._pending, None
        if about is not None:
            with contextlib.suppress(ClosedError):
                message = f"Asked the training loop to stop: {about['reason']}"
                self._events.log_event("action", message, severity="warning", code="stop-training", data=about)
        return self._is_stopping

    def _receive(self, key: str, request: Request) -> None:
        about = self._about(key, request)
        is_possible = self._is_possible(request.kind)
        message = f"{request.by} asks to {_ASKS[request.kind]}: {request.reason.rstrip('.')}"
        excuse = _NO_LOOP if request.kind == "stop" else _NOBODY
        self._events.log_event(
            KIND,
            message if is_possible else f"{message}. {excuse}.",
            severity="info" if is_possible else "warning",
            code=request.kind,
            data={**about, "factor": request.factor, "state": RECEIVED if is_possible else REFUSED},
        )
        if request.kind == "note":
            self._events.log_event("note", request.text, data=about)
        elif request.kind == "tag":
            self._add_tag(request.text, about)
        elif request.kind == "stop" and is_possible and "stop" not in self._served:
            self._pending, self._is_stopping = about, True

    def _fail(self, key: str, request: Request, error: Exception) -> None:
        """Record that a request failed, if the run can still record anything."""
        message = f"Cannot {_ASKS[request.kind]}: {str(error) or type(error).__name__}"
        data = {**self._about(key, request), "state": FAILED}
        with contextlib.suppress(Exception):
            self._events.log_event(KIND, message, severity="warning", code=request.kind, data=data)

    def _about(self, key: str, request: Request) -> dict[str, Any]:
        mask = self._recorder.session.masking.text
        return {"request": key, "by": mask(request.by), "reason": mask(request.reason)}

    def _is_possible(self, kind: RequestKind) -> bool:
        return kind in _BY_THE_MONITOR or kind in self._served or (kind == "stop" and self._is_checked)

    def _add_tag(self, tag: str, about: dict[str, Any]) -> None:
        header = self._recorder.session.header
        header.tags = tags_of([*header.tags, tag])
        self._recorder.save()
        self._events.log_event("action", f"Added the tag {tag}: {about['reason']}", code="add-tag", data=about)
