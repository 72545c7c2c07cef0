"""Requests to a live run as files."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rlvitals.runs.layout import Layout
from rlvitals.runs.request_files import Request, RequestInbox, place_request, withdraw_request
from rlvitals.testing.manual_clock import ManualClock

STOP = Request(kind="stop", reason="it diverged", by="me")
NAME = "01700000000000000-0123abcd.json"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def inbox(layout: Layout) -> RequestInbox:
    return RequestInbox(layout)


def put(layout: Layout, content: bytes, name: str = NAME) -> Path:
    layout.requests.mkdir(exist_ok=True)
    (layout.requests / name).write_bytes(content)
    return layout.requests / name


def test_requests_are_taken_once_in_their_order(layout: Layout, inbox: RequestInbox) -> None:
    """A request is removed when it is taken."""
    clock = ManualClock(1.7e9)
    note = Request(kind="note", reason="why", by="me", text="hello")
    first = place_request(layout, STOP, clock=clock)
    clock.advance(1.0)
    second = place_request(layout, note, clock=clock)

    assert inbox.take().requests == [(first, STOP), (second, note)]
    assert inbox.take() == ([], [])
    assert list(layout.requests.iterdir()) == []


def test_without_requests_there_is_no_folder(layout: Layout, inbox: RequestInbox) -> None:
    """The inbox creates nothing, so a run without requests has the same files as before."""
    assert inbox.take() == ([], [])
    assert not layout.requests.exists()


def test_requests_from_before_the_session_are_removed(layout: Layout) -> None:
    """A resumed training does not carry out what was asked of an earlier one."""
    key = place_request(layout, STOP)

    assert RequestInbox(layout).take() == ([], [])
    assert not withdraw_request(layout, key)


def test_a_request_that_nobody_took_can_be_withdrawn(layout: Layout, inbox: RequestInbox) -> None:
    """It is not carried out afterwards."""
    key = place_request(layout, STOP)

    assert (withdraw_request(layout, key), inbox.take()) == (True, ([], []))


def fields(**changes: Any) -> bytes:
    return msgspec.json.encode({"kind": "stop", "reason": "why", "by": "me"} | changes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 10_000, "Expected `object`, got `array`"),
        (b" " * 20_000, "the limit is 16384"),
        (fields(kind="delete"), "Invalid enum value 'delete'"),
        (fields(reason="  "), "at `$.reason`"),
        (fields(by=""), "at `$.by`"),
        (fields(kind="note"), "a note needs a text"),
        (fields(kind="tag", text="a\x00"), "a tag must have at most 100 printable characters"),
        (fields(kind="tag", text="x" * 101), "a tag must have at most 100 printable characters"),
        (fields(factor=1.5), "at `$.factor`"),
        (fields(factor="NaN"), "at `$.factor`"),
        (fields(command="rm"), "unknown field `command`"),
    ],
)
def test_a_malformed_request_is_ignored_and_removed(
    layout: Layout, inbox: RequestInbox, content: bytes, reason: str
) -> None:
    """The reason is reported once."""
    path = put(layout, content)

    requests, ignored = inbox.take()
    assert (requests, len(ignored), reason in ignored[0], path.exists()) == ([], 1, True, False)
    assert inbox.take() == ([], [])


def test_a_link_is_not_followed(layout: Layout, inbox: RequestInbox, tmp_path: Path) -> None:
    """Its target is kept, even if that is a valid request."""
    target = tmp_path / "target.json"
    target.write_bytes(fields())
    layout.requests.mkdir()
    (layout.requests / NAME).symlink_to(target)

    requests, ignored = inbox.take()
    assert (requests, "symbolic link" in ignored[0], target.exists()) == ([], True, True)


def test_a_named_pipe_does_not_block(layout: Layout, inbox: RequestInbox) -> None:
    """It is ignored like any other special file."""
    layout.requests.mkdir()
    os.mkfifo(layout.requests / NAME)

    assert "named pipe" in inbox.take().ignored[0]


def test_a_folder_is_reported_once(layout: Layout, inbox: RequestInbox) -> None:
    """It cannot be removed as a file."""
    (layout.requests / NAME).mkdir(parents=True)

    assert [len(inbox.take().ignored) for _ in range(3)] == [1, 0, 0]


def test_a_link_in_place_of_the_folder_is_reported_once(layout: Layout, inbox: RequestInbox, tmp_path: Path) -> None:
    """Files outside of the run are neither read nor removed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / NAME).write_bytes(fields())
    layout.requests.symlink_to(outside)

    assert [len(inbox.take().ignored) for _ in range(3)] == [1, 0, 0]
    assert (outside / NAME).exists()
    with pytest.raises(OSError, match="symbolic link"):
        place_request(layout, STOP)


def test_other_files_are_left_alone(layout: Layout, inbox: RequestInbox) -> None:
    """A file that is still being written has another name."""
    path = put(layout, b"{", f".{NAME}.12.0.tmp")

    assert (inbox.take(), path.exists()) == (([], []), True)


def test_many_files_are_taken_in_parts(layout: Layout, inbox: RequestInbox) -> None:
    """A flood of files does not hold up the recording."""
    for at in range(150):
        put(layout, fields(), f"{at:017d}-0123abcd.json")

    assert [len(inbox.take().requests) for _ in range(3)] == [100, 50, 0]
