"""Opening of a run for writing."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.errors import (
    RunError,
    RunExistsError,
    RunFormatError,
    RunLockedError,
    RunNameError,
    RunNotFoundError,
)
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import Recorder, RecorderSettings
from rlvitals.recording.session import Resume, Session, open_copy, open_session
from rlvitals.runs.header import Header, Writer, read_header, write_header
from rlvitals.runs.lock import WriterLock
from rlvitals.runs.run import Run

QUIET = RecorderSettings(system_interval_s=None)


def _open(log_dir: Path, name: str | None = "run", resume: Resume = "never") -> Session:
    return open_session(log_dir, name, resume=resume, project="p", configuration={}, clock=SYSTEM_CLOCK)


def _open_and_let_go(log_dir: Path, name: str | None = "run", resume: Resume = "never") -> Session:
    session = _open(log_dir, name, resume)
    session.lock.release()
    return session


def test_a_new_run_gets_its_own_folder(tmp_path: Path) -> None:
    """The folder of runs is created too."""
    session = _open_and_let_go(tmp_path / "a" / "b")

    assert session.layout.path == tmp_path / "a" / "b" / "run"
    assert not session.resumed
    assert read_header(session.layout.path).run_id == "run"


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    """An existing run is never overwritten."""
    names = [_open_and_let_go(tmp_path).header.run_id for _ in range(4)]

    assert names == ["run", "run-2", "run-3", "run-4"]


def test_default_names_are_unique(tmp_path: Path) -> None:
    """Runs that start within one second also get different names."""
    assert len({_open_and_let_go(tmp_path, None).header.run_id for _ in range(20)}) == 20


@pytest.mark.parametrize("name", ["../run", "/run", "a/b", "..", "", "a\x00b", "\udcff"])
def test_a_name_that_leaves_the_folder_of_runs_is_refused(tmp_path: Path, name: str) -> None:
    """No file or folder is created inside or outside the folder of runs."""
    log_dir = tmp_path / "logs"

    for resume in ("never", "allow", "must"):
        with pytest.raises(RunNameError):
            _open(log_dir, name, resume)

    assert list(tmp_path.iterdir()) == []


def test_never_and_allow_create_a_missing_run(tmp_path: Path) -> None:
    """With `must`, a missing run is an error."""
    assert not _open_and_let_go(tmp_path, "a", "never").resumed
    assert not _open_and_let_go(tmp_path, "b", "allow").resumed
    with pytest.raises(RunNotFoundError, match=r"no run 'c'.*Check the name, or allow a new run"):
        _open(tmp_path, "c", "must")


@pytest.mark.parametrize("resume", ["allow", "must"])
def test_allow_and_must_resume_an_existing_run(tmp_path: Path, resume: Resume) -> None:
    """It gets a writer with the next number."""
    _open_and_let_go(tmp_path)

    session = _open_and_let_go(tmp_path, "run", resume)

    assert session.resumed
    assert [writer.writer for writer in session.header.writers] == [1, 2]


def test_resuming_needs_a_name(tmp_path: Path) -> None:
    """The run to resume cannot be determined without a name."""
    with pytest.raises(RunNameError, match="session_name"):
        _open(tmp_path, None, "allow")


def test_an_unknown_value_of_resume_is_refused(tmp_path: Path) -> None:
    """The error lists the valid values."""
    with pytest.raises(RunError, match="'never', 'allow', 'must'"):
        _open(tmp_path, "run", "maybe")  # type: ignore[arg-type]


def test_a_run_locked_by_another_writer_is_not_resumed(tmp_path: Path) -> None:
    """Its header is unchanged."""
    live = _open(tmp_path)
    before = live.layout.header.read_bytes()

    with pytest.raises(RunLockedError, match="is being written by"):
        _open(tmp_path, "run", "must")
    live.lock.release()

    assert live.layout.header.read_bytes() == before


def test_the_last_header_of_a_writer_is_not_lost_on_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header is read again under the lock, because the previous writer can end after the first read."""
    live = _open(tmp_path)

    def end_first(
        self: WriterLock, path: Path, init: Callable[..., None] = WriterLock.__init__, **options: Any
    ) -> None:
        live.header.dropped_records = {"records": 7}
        write_header(live.layout, live.header)
        live.lock.release()
        init(self, path, **options)

    monkeypatch.setattr(WriterLock, "__init__", end_first)
    session = _open_and_let_go(tmp_path, "run", "must")

    assert session.header.dropped_records == {"records": 7}


def test_a_kill_before_the_header_was_written_leaves_a_name_that_can_be_used(tmp_path: Path) -> None:
    """A folder without a header and without records is used for the new run."""
    session = _open_and_let_go(tmp_path)
    session.layout.header.unlink()

    with pytest.raises(RunNotFoundError):
        _open(tmp_path, "run", "must")
    again = _open_and_let_go(tmp_path, "run", "allow")

    assert again.layout.path == tmp_path / "run"
    assert not again.resumed


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """A folder with files of another program is unchanged."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("everything")

    for resume in ("allow", "must"):
        with pytest.raises(RunFormatError, match="not a run"):
            _open(tmp_path, "run", resume)

    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_a_newer_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A run of a newer format is not modified."""
    session = _open_and_let_go(tmp_path)
    header = {**json.loads(session.layout.header.read_text()), "version": 9}
    session.layout.header.write_text(json.dumps(header))

    with pytest.raises(RunFormatError, match="format version 9"):
        _open(tmp_path, "run", "must")

    assert json.loads(session.layout.header.read_text()) == header


@pytest.mark.parametrize("resume", ["never", "allow", "must"])
def test_a_file_with_the_name_of_the_run_is_refused(tmp_path: Path, resume: Resume) -> None:
    """The file is unchanged."""
    (tmp_path / "run").write_text("mine")

    with pytest.raises((RunExistsError, RunNotFoundError, RunFormatError)):
        _open(tmp_path, "run", resume)

    assert (tmp_path / "run").read_text() == "mine"


def test_a_folder_of_runs_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    """The error has the folder and the reason of the system."""
    (tmp_path / "logs").touch()

    with pytest.raises(RunError, match="cannot create a run in"):
        _open(tmp_path / "logs" / "deeper")


def test_a_run_with_a_blocked_stream_folder_is_not_resumed(tmp_path: Path) -> None:
    """The run is released, and can be resumed when the cause is gone."""
    session = _open_and_let_go(tmp_path)
    episodes = session.layout.stream("episodes")
    episodes.rmdir()
    episodes.touch()

    with pytest.raises(
        RunError, match=r"cannot resume .*: .*episodes: Is a file, not a folder: move it out of the run"
    ):
        _open(tmp_path, "run", "must")
    episodes.unlink()

    assert _open_and_let_go(tmp_path, "run", "must").resumed


def test_a_run_that_cannot_be_created_leaves_no_open_files(tmp_path: Path) -> None:
    """The number of file descriptors is unchanged after five attempts."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        with pytest.raises(RunError):
            _open(tmp_path, "run", "allow")

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_name_that_is_taken_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The warning has both names. A free name or a default name causes no warning."""
    for name in ("a", "a", None):
        begun = open_session(tmp_path, name, resume="never", project="", configuration={}, clock=SYSTEM_CLOCK)
        begun.lock.release()

    (said,) = [record for record in caplog.records if "taken" in record.message]
    assert said.levelname == "WARNING"
    assert said.message == (
        f"the name 'a' is taken in {tmp_path}; naming this run 'a-2'. To continue the existing run, resume it."
    )


def _outside(tmp_path: Path) -> Path:
    """Return a file outside the run whose last line is not a record."""
    outside = tmp_path / "outside"
    outside.write_bytes(b'{"precious":\n"data"}')
    return outside


@pytest.mark.parametrize("place", ["episodes/000001.jsonl", "updates/000007.parquet", "writer.lock", "run.json"])
def test_a_resume_does_not_write_through_a_link_in_the_run(tmp_path: Path, place: str) -> None:
    """The resume is refused with a remedy, and the linked file is unchanged."""
    outside = _outside(tmp_path)
    path = _open_and_let_go(tmp_path).layout.path / place
    path.unlink(missing_ok=True)
    path.symlink_to(outside)

    with pytest.raises(RunError, match="Is a symbolic link, not a regular file: replace it with a copy"):
        TrainingMonitor(tmp_path, session_name="run", resume="must")
    assert outside.read_bytes() == b'{"precious":\n"data"}'


@pytest.mark.parametrize("place", ["episodes", "artifacts"])
def test_a_resume_does_not_write_through_a_link_to_a_folder(tmp_path: Path, place: str) -> None:
    """No file is created in the linked folder."""
    path = _open_and_let_go(tmp_path).layout.path / place
    path.rmdir()
    (tmp_path / "elsewhere").mkdir()
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RunError, match="Is a symbolic link, not a folder"):
        _open(tmp_path, "run", "must")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("place", ["episodes/000001.jsonl", "writer.lock"])
def test_a_hard_linked_file_is_changed_in_the_run_only(tmp_path: Path, place: str) -> None:
    """The run gets its own copy of a file that has a second hard link."""
    outside = _outside(tmp_path)
    path = _open_and_let_go(tmp_path).layout.path / place
    path.unlink(missing_ok=True)
    os.link(outside, path)
    TrainingMonitor(tmp_path, session_name="run", resume="must", settings=QUIET).close()

    assert outside.read_bytes() == b'{"precious":\n"data"}'


def test_a_run_folder_and_a_run_set_can_be_links(tmp_path: Path) -> None:
    """Links created by the user, for a larger disk or the newest run, are followed."""
    session = _open_and_let_go(tmp_path / "disk")
    (tmp_path / "logs").symlink_to(tmp_path / "disk")
    (tmp_path / "logs" / "newest").symlink_to(session.layout.path)

    assert _open_and_let_go(tmp_path / "logs", "newest", "must").resumed


def test_a_copy_has_only_the_facts_of_its_training(tmp_path: Path) -> None:
    """The packages, the command and the end of the process that copies it are left out."""
    header = Header(run_id="", started=5.0, writers=[Writer(writer=1, started=5.0, host="", pid=0)])
    recorder = Recorder(open_copy(tmp_path, "copy", header, clock=SYSTEM_CLOCK), settings=QUIET)
    recorder.flush()
    recorder.close()

    run = Run(recorder.path)
    assert (run.header.run_id, run.header.started, run.header.ended) == ("copy", 5.0, None)
    assert (run.header.reproduction, [*run.records("events")]) == ({}, [])
