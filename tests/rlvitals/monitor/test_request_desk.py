"""Requests to a live monitor."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.records import Event
from rlvitals.runs.request_files import Request, RequestKind, place_request
from rlvitals.sinks import CallableSink

Begin = Callable[..., TrainingMonitor]


def ask(monitor: TrainingMonitor, kind: RequestKind, **options: Any) -> str:
    """Send a request and take it, as the maintenance thread does."""
    request = Request(kind=kind, **{"reason": "the loss is NaN", "by": "an agent", **options})
    key = place_request(monitor.run.layout, request)
    monitor._requests.poll()
    return key


def about(monitor: TrainingMonitor, key: str) -> list[Event]:
    events: list[Event] = list(monitor.run.records("events"))
    return [event for event in events if (event.data or {}).get("request") == key]


def test_a_note_is_recorded_with_its_reason(monitor: Begin) -> None:
    """The request and the note are events of the run, with who asked and why."""
    with monitor() as training:
        key = ask(training, "note", text="look at the loss")
        request, note = about(training, key)

    assert (request.kind, request.code) == ("request", "note")
    assert request.message == "an agent asks to add a note: the loss is NaN"
    assert (note.kind, note.message) == ("note", "look at the loss")
    assert note.data == {"request": key, "by": "an agent", "reason": "the loss is NaN"}


def test_a_tag_is_added(monitor: Begin) -> None:
    """The header has it, and an action says why."""
    with monitor(tags=["ablation"]) as training:
        key = ask(training, "tag", text="diverged")
        action = about(training, key)[-1]

    assert training.run.header.tags == ["ablation", "diverged"]
    assert (action.kind, action.code, action.message) == (
        "action", "add-tag", "Added the tag diverged: the loss is NaN",
    )  # fmt: skip


def test_a_loop_that_checks_is_asked_to_stop(monitor: Begin) -> None:
    """The first answer to the loop is the action, and the answer stays."""
    with monitor() as training:
        before = training.stop_requested
        key = ask(training, "stop")
        states = (before, training.stop_requested, training.stop_requested)
        request, action = about(training, key)

    assert states == (False, True, True)
    assert (request.data or {})["state"] == "received"
    assert (action.kind, action.code) == ("action", "stop-training")
    assert action.message == "Asked the training loop to stop: the loss is NaN"


@pytest.mark.parametrize("kind", ["stop", "checkpoint", "learning-rate"])
def test_a_request_that_nobody_can_carry_out_is_refused(monitor: Begin, kind: RequestKind) -> None:
    """The answer says what is missing, and nothing happens later."""
    with monitor() as training:
        (request,) = about(training, ask(training, kind))
        is_stopping = training.stop_requested

    assert ((request.data or {})["state"], request.severity, is_stopping) == ("refused", "warning", False)
    assert "Nothing in this run can do that now: it needs a VitalsCallback that is training" in request.message


def test_malformed_files_are_reported_as_one_event(monitor: Begin) -> None:
    """The training continues, and the valid request next to them is taken."""
    with monitor() as training:
        folder = training.run.layout.requests
        folder.mkdir()
        for at in range(3):
            (folder / f"{at:017d}-0123abcd.json").write_text("{")
        key = ask(training, "note", text="hello")
        ignored = [event for event in training.run.records("events") if event.code == "ignored"]

    assert [event.message.partition(": ")[0] for event in ignored] == ["Ignored 3 request files"]
    assert len(about(training, key)) == 2


def test_a_request_that_fails_does_not_lose_the_next_one(monitor: Begin) -> None:
    """Its failure is recorded with the reason."""
    with monitor() as training:
        layout = training.run.layout
        header: Any = training._recorder.session.header
        header.tags = [7]  # not a tag, so that adding another one fails
        tag = place_request(layout, Request(kind="tag", text="diverged", reason="why", by="me"))
        note = place_request(layout, Request(kind="note", text="hello", reason="why", by="me"))
        training._requests.poll()
        header.tags = []
        failed = about(training, tag)[-1]
        kinds = [event.kind for event in about(training, note)]

    assert kinds == ["request", "note"]
    assert ((failed.data or {})["state"], failed.severity, failed.code) == ("failed", "warning", "tag")
    assert failed.message.startswith("Cannot add a tag: tags=[7, 'diverged']")


def test_secrets_are_masked(monitor: Begin) -> None:
    """A key in a reason does not reach the run folder."""
    with monitor() as training:
        key = ask(training, "note", text="hello", reason="password=hunter2hunter2")
        texts = str(about(training, key))

    assert "hunter2" not in texts


def test_the_maintenance_thread_takes_requests(monitor: Begin) -> None:
    """Nothing but the monitor is needed."""
    arrived = threading.Event()
    settings = RecorderSettings(
        system_interval_s=None, diagnosis_interval_s=None, heartbeat_s=0.05, fsync_interval_s=0.05
    )
    watch = CallableSink(lambda record: arrived.set() if getattr(record, "kind", "") == "note" else None)
    with monitor(settings=settings, sinks=[watch]) as training:
        place_request(training.run.layout, Request(kind="note", reason="why", by="me", text="hello"))

        assert arrived.wait(10.0)


def test_requests_can_be_turned_off(monitor: Begin) -> None:
    """The recorder then looks for none."""
    with monitor(settings=RecorderSettings(system_interval_s=None, take_requests=False)) as training:
        assert training._recorder.after_tick is not training._requests.poll
        assert training._recorder.after_tick() is None


def test_a_folder_with_requests_is_sound(monitor: Begin) -> None:
    """Readers and `verify` do not see the folder of requests."""
    with monitor() as training:
        training.log_episode(0, 1.0, 1)
    place_request(training.run.layout, Request(kind="stop", reason="why", by="me"))

    assert training.run.verify().faults == []
    assert len(training.run.episodes) == 1
