"""Opening a run for writing: a new one, or one that stopped."""

import contextlib
import logging
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rlvitals.clock import Clock
from rlvitals.errors import RunError, RunNameError, RunNotFoundError
from rlvitals.files.regular_files import read_regular
from rlvitals.recording.reproduction import quick_facts
from rlvitals.recording.run_name import default_run_name
from rlvitals.records.masking import DEFAULT_MASKING, Masking
from rlvitals.runs import header as headers
from rlvitals.runs.durability import replace_whole
from rlvitals.runs.header import Header, Writer, mask_secrets, read_header, write_header
from rlvitals.runs.layout import HEADER, LOCK, Layout, checked_name, claim_folder
from rlvitals.runs.lock import WriterLock, host_name

_log = logging.getLogger("rlvitals")

Resume = Literal["never", "allow", "must"]
_RESUME = ("never", "allow", "must")


class Session(NamedTuple):
    """A run that is open for writing, and held by this process."""

    layout: Layout
    header: Header
    lock: WriterLock
    resumed: bool
    before: bytes | None = None
    """The header as it was before a resume."""
    masking: Masking = DEFAULT_MASKING
    """What masks secrets before they are written."""

    def give_up(self) -> None:
        """Let go of a run that cannot be written after all; one that was resumed is left as it was."""
        if self.before is not None:
            with contextlib.suppress(OSError):
                replace_whole(self.layout.header, self.before)
        self.lock.release()


def open_session(
    log_dir: Path,
    name: str | None,
    *,
    resume: Resume,
    project: str,
    configuration: dict[str, Any],
    clock: Clock,
    masking: Masking = DEFAULT_MASKING,
) -> Session:
    """Make a new run, or take up one that stopped.

    Args:
        log_dir: The folder of runs; it is made if it is missing.
        name: The run's name, or `None` for `run_name.default_run_name`. A new run whose name is taken gets a number
            behind it.
        resume: Whether a run of that name is taken up: `never`, `allow` (if there is one), `must`.
        project: What the run belongs to.
        configuration: The user's settings, plain values.
        clock: Tells the time.
        masking: Masks secrets in the settings and the command line.

    Raises:
        RunNameError: The name cannot be a folder's name, or there is none to resume.
        RunNotFoundError: `resume` is `must`, and there is no such run.
        RunLockedError: Another process writes to the run.
        RunFormatError: What is there is no run, is damaged, or is of a newer format.
        RunError: The folder cannot be made.
    """
    if resume not in _RESUME:
        raise RunError(f"resume={resume!r}: use one of {', '.join(map(repr, _RESUME))}")
    if name is not None:
        checked_name(name)
    unfinished: Path | None = None
    if resume != "never":
        if name is None:
            raise RunNameError(f"resume={resume!r} needs the name of the run: give session_name")
        path = log_dir / name
        if _is_blank(path):
            unfinished = path
        elif path.exists():
            return _take_up(Layout(path), clock, masking)
        if resume == "must":
            raise RunNotFoundError(f"there is no run {name!r} in {log_dir} to resume; resume='allow' would begin it")
    try:
        path = unfinished or claim_folder(log_dir, name or default_run_name(configuration, clock.time()))
        if name is not None and path.name != name:
            _log.warning(
                "the name %r is taken in %s: this run is %r (resume='allow' would go on with the other)",
                name,
                log_dir,
                path.name,
            )
        return _begin(Layout(path), project, configuration, clock, masking)
    except OSError as error:
        raise RunError(f"no run can be made in {log_dir}: {error.strerror or error}") from error


def _begin(layout: Layout, project: str, configuration: dict[str, Any], clock: Clock, masking: Masking) -> Session:
    now = clock.time()
    layout.make()
    lock = WriterLock(layout.lock, clock=clock)
    header = Header(
        run_id=layout.path.name,
        project=project,
        started=now,
        configuration=configuration,
        reproduction=quick_facts(),
        writers=[Writer(writer=1, started=now, host=host_name(), pid=os.getpid())],
    )
    _mask(header, masking)
    session = Session(layout, header, lock, resumed=False, masking=masking)
    try:
        write_header(layout, header)
    except OSError:
        session.give_up()
        raise
    return session


def _take_up(layout: Layout, clock: Clock, masking: Masking) -> Session:
    read_header(layout.path)  # what is no run is left alone
    try:
        layout.make()
        lock = WriterLock(layout.lock, clock=clock)
    except OSError as error:
        raise _not_resumed(layout, error) from error
    try:
        # Read again under the lock: the writer before may have changed it until it let go.
        header, before = read_header(layout.path), read_regular(layout.header)
        number = 1 + max((writer.writer for writer in header.writers), default=0)
        header.writers.append(Writer(writer=number, started=clock.time(), host=host_name(), pid=os.getpid()))
        header.status, header.ended, header.failure = headers.RUNNING, None, None
        _mask(header, masking)
        write_header(layout, header)
    except OSError as error:
        lock.release()
        raise _not_resumed(layout, error) from error
    except RunError:
        lock.release()
        raise
    return Session(layout, header, lock, resumed=True, before=before, masking=masking)


def _not_resumed(layout: Layout, error: OSError) -> RunError:
    where = f"{error.filename}: " if error.filename else ""
    return RunError(f"{layout.path} cannot be resumed: {where}{error.strerror or error}")


def _mask(header: Header, masking: Masking) -> None:
    header.keeps_secrets = not masking.enabled
    mask_secrets(header, masking)


def _is_blank(path: Path) -> bool:
    """Whether a folder holds nothing but what a run's beginning leaves that was killed before it had a header."""
    if not path.is_dir():
        return False
    files = (entry for entry in path.rglob("*") if not entry.is_dir() or entry.name == HEADER)
    return all(file.name == LOCK or file.name.startswith((f".{HEADER}.", f".{LOCK}.")) for file in files)
