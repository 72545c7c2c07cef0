"""The header of a run, `run.json`."""

import json
import threading
from pathlib import Path

import pytest

from rlvitals.errors import RunFormatError, RunNotFoundError
from rlvitals.runs.header import Failure, Header, read_header, write_header
from rlvitals.runs.layout import Layout


def _rewrite(layout: Layout, **changes: object) -> None:
    layout.header.write_text(json.dumps({**json.loads(layout.header.read_text()), **changes}))


def test_a_header_is_read_as_it_was_written(layout: Layout) -> None:
    """All fields are restored, including a nested configuration."""
    header = Header(run_id="run", started=2.5, configuration={"net": {"layers": [64, 64]}}, totals={"episodes": 3})
    write_header(layout, header)

    assert read_header(layout.path) == header


def test_a_value_that_json_cannot_represent_does_not_affect_the_other_fields(layout: Layout) -> None:
    """The number of dropped records is still written."""
    write_header(
        layout, Header(run_id="run", started=2.5, configuration={"x": "\ud800"}, dropped_records={"records": 3})
    )

    assert read_header(layout.path).dropped_records == {"records": 3}


def test_a_reader_never_sees_half_a_header(layout: Layout) -> None:
    """While one thread replaces the header repeatedly, each read returns a whole header."""
    written = threading.Event()

    def replace() -> None:
        for size in range(100):
            write_header(layout, Header(run_id="run", started=1.0, configuration={"x": "y" * size * 40}))
        written.set()

    thread = threading.Thread(target=replace)
    thread.start()
    looks = 0
    while not written.is_set():
        assert read_header(layout.path).run_id == "run"
        looks += 1
    thread.join()

    assert looks
    assert not list(layout.path.glob(".run.json*"))


def test_concurrent_header_writes_leave_a_whole_header(layout: Layout) -> None:
    """Each write uses a separate temporary file, so that two writes do not mix."""
    failed: list[BaseException] = []

    def replace(size: int) -> None:
        try:
            for _ in range(50):
                write_header(layout, Header(run_id="run", started=1.0, configuration={"x": "y" * size}))
        except BaseException as error:  # noqa: BLE001 - the test must see any error
            failed.append(error)

    threads = [threading.Thread(target=replace, args=(size,)) for size in (10, 9_000, 300_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert set(read_header(layout.path).configuration["x"]) == {"y"}


def test_an_outdated_header_does_not_replace_a_newer_one(layout: Layout) -> None:
    """A signal handler can write a newer header during a write."""
    newer = Header(run_id="run", started=2.0)

    def overtake() -> bool:
        write_header(layout, newer)
        return True

    write_header(layout, Header(run_id="run", started=1.0), outdated=overtake)

    assert read_header(layout.path) == newer
    assert not list(layout.path.glob(".run.json*"))


def test_unknown_keys_are_ignored(layout: Layout) -> None:
    """A header from a later release with additional keys is accepted if its format version is known."""
    _rewrite(layout, mood="sunny", writers=[{"writer": 1, "started": 1, "host": "h", "pid": 2, "shoe_size": 44}])

    assert read_header(layout.path).writers[0].pid == 2


def test_a_newer_format_is_refused_with_an_upgrade_command(layout: Layout) -> None:
    """The error names the format version and how to upgrade."""
    _rewrite(layout, version=2)

    with pytest.raises(RunFormatError, match=r"format version 2.*pip install -U rlvitals"):
        read_header(layout.path)


@pytest.mark.parametrize("version", [None, "1", 0, -1, True, 1.5, [1]])
def test_an_invalid_format_version_is_refused(layout: Layout, version: object) -> None:
    """Only whole numbers of at least 1 are valid versions."""
    _rewrite(layout, version=version)

    with pytest.raises(RunFormatError, match="format version"):
        read_header(layout.path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"format": "rlvitals-run"',
        b"[" * 200_000,
        b'{"format": ' * 100_000,
        b"\x00" * 512,
    ],
    ids=["empty", "cut", "list", "null", "no-utf8", "cut-late", "deep-list", "deep-dict", "zeros"],
)
def test_a_damaged_header_is_refused_with_its_path(layout: Layout, content: bytes) -> None:
    """Any content raises an error that names the file."""
    layout.header.write_bytes(content)

    with pytest.raises(RunFormatError, match=r"run\.json is damaged"):
        read_header(layout.path)


@pytest.mark.parametrize("changes", [{"started": "yesterday"}, {"run_id": 3}, {"writers": {}}, {"totals": {"a": "b"}}])
def test_a_header_with_values_of_the_wrong_type_is_refused(layout: Layout, changes: dict[str, object]) -> None:
    """The error names the field."""
    _rewrite(layout, **changes)

    with pytest.raises(RunFormatError, match=next(iter(changes))):
        read_header(layout.path)


def test_a_foreign_header_is_refused(layout: Layout) -> None:
    """A run.json of another program is not accepted."""
    layout.header.write_text('{"format": "trackio", "version": 1}')

    with pytest.raises(RunFormatError, match="not the header of a run: its format is 'trackio'"):
        read_header(layout.path)


def test_a_folder_without_a_header_is_not_a_run(tmp_path: Path) -> None:
    """The error differs from the one for a missing folder."""
    with pytest.raises(RunFormatError, match=r"not a run folder: it has no run\.json"):
        read_header(tmp_path)


def test_a_path_that_is_not_a_folder_has_no_run(tmp_path: Path) -> None:
    """A missing path and a file raise the same error."""
    file = tmp_path / "file"
    file.touch()

    for path in (tmp_path / "gone", file):
        with pytest.raises(RunNotFoundError, match="no run at"):
            read_header(path)


def test_a_header_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    """The error contains the message of the operating system."""
    (tmp_path / "run.json").mkdir()

    with pytest.raises(RunFormatError, match="cannot be read: Is a directory"):
        read_header(tmp_path)


def test_a_header_that_cannot_be_replaced_stays_as_it_was(layout: Layout) -> None:
    """Here a folder has the name of the header. No temporary file is left."""
    before = layout.header.read_bytes()
    layout.header.unlink()
    layout.header.mkdir()

    with pytest.raises(OSError, match="Is a directory"):
        write_header(layout, Header(run_id="run", started=1.0))
    layout.header.rmdir()
    layout.header.write_bytes(before)

    assert read_header(layout.path).run_id == "run"
    assert not list(layout.path.glob(".run.json*"))


@pytest.mark.parametrize(
    ("kind", "message", "text"),
    [
        ("ValueError", "no logo", "ValueError: no logo"),
        ("AssertionError", "", "AssertionError"),
        ("SIGTERM", "terminated by SIGTERM", "terminated by SIGTERM"),
    ],
)
def test_a_failure_is_one_text(kind: str, message: str, text: str) -> None:
    """The text repeats nothing, and does not end in a colon without a message."""
    assert Failure(type=kind, message=message).text == text


@pytest.mark.parametrize(
    ("goals", "configuration", "steps"),
    [
        ({"total_timesteps": 500.0}, {"total_timesteps": 900}, 500.0),
        ({}, {"args": {"total-timesteps": 900}}, 900.0),
        ({}, {"total_timesteps": "many"}, None),
        ({}, {}, None),
    ],
    ids=["goal", "setting", "text", "unknown"],
)
def test_planned_steps_come_from_the_goal_or_from_a_setting(
    goals: dict[str, float], configuration: dict[str, object], steps: float | None
) -> None:
    assert Header(run_id="a", started=0.0, goals=goals, configuration=configuration).planned_steps == steps
