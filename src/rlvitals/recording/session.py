"""Opening of a run for writing: a new run, or one to resume."""

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
    """A run that is open for writing and locked by this process."""

    layout: Layout
    header: Header
    lock: WriterLock
    resumed: bool
    before: bytes | None = None
    """Content of the header file before a resume, or `None` for a new run."""
    masking: Masking = DEFAULT_MASKING
    """Masking applied to secrets before they are written."""
    is_copy: bool = False
    """Whether the training belongs to another process, whose records this process copies.

    Then the facts and the clock of this process do not describe the run: its copier sets them in the header.
    """

    def give_up(self) -> None:
        """Release a run that cannot be written. The header of a resumed run is restored."""
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
    """Create a new run, or resume an existing one.

    Args:
        log_dir: Folder of runs. It is created if it is missing.
        name: Run name, or `None` for `run_name.default_run_name`. If a run of this name exists, the new run gets a
            number as suffix.
        resume: Whether to resume the run of this name: `never`, `allow` (if it exists) or `must`.
        project: Project name of the run.
        configuration: The user's configuration, as plain values.
        clock: Source of the time.
        masking: Masking of secrets in the configuration and the command line.

    Raises:
        RunNameError: The name is not a valid folder name, or is missing although `resume` needs it.
        RunNotFoundError: `resume` is `must`, and no run has this name.
        RunLockedError: Another process writes to the run.
        RunFormatError: The folder is not a run folder, is damaged, or uses a newer format.
        RunError: The folder cannot be created.
    """
    if resume not in _RESUME:
        raise RunError(f"resume={resume!r}: must be one of {', '.join(map(repr, _RESUME))}")
    if name is not None:
        checked_name(name)
    unfinished: Path | None = None
    if resume != "never":
        if name is None:
            raise RunNameError(f"resume={resume!r} needs the name of the run: pass session_name")
        path = log_dir / name
        if _is_blank(path):
            unfinished = path
        elif path.exists():
            return _take_up(Layout(path), clock, masking)
        if resume == "must":
            raise RunNotFoundError(f"no run {name!r} in {log_dir} to resume. Check the name, or allow a new run.")
    try:
        path = unfinished or claim_folder(log_dir, name or default_run_name(configuration, clock.time()))
        if name is not None and path.name != name:
            _log.warning(
                "the name %r is taken in %s; naming this run %r. To continue the existing run, resume it.",
                name,
                log_dir,
                path.name,
            )
        now = clock.time()
        header = Header(
            run_id=path.name,
            project=project,
            started=now,
            configuration=configuration,
            reproduction=quick_facts(),
            writers=[Writer(writer=1, started=now, host=host_name(), pid=os.getpid())],
        )
        return _begin(Layout(path), header, clock, masking)
    except OSError as error:
        raise _not_created(log_dir, error) from error


def open_copy(log_dir: Path, name: str, header: Header, *, clock: Clock) -> Session:
    """Create the run for a copy of a training that another process records.

    Args:
        log_dir: Folder of runs. It is created if it is missing.
        name: Run name. If a run of this name exists, the new run gets a number as suffix.
        header: Header with the facts of the training. Its `run_id` is set.
        clock: Source of the time, for the lock.

    Raises:
        RunNameError: The name is not a valid folder name.
        RunError: The folder cannot be created.
    """
    try:
        path = claim_folder(log_dir, checked_name(name))
        header.run_id = path.name
        return _begin(Layout(path), header, clock, DEFAULT_MASKING)._replace(is_copy=True)
    except OSError as error:
        raise _not_created(log_dir, error) from error


def _begin(layout: Layout, header: Header, clock: Clock, masking: Masking) -> Session:
    layout.make()
    lock = WriterLock(layout.lock, clock=clock)
    _mask(header, masking)
    session = Session(layout, header, lock, resumed=False, masking=masking)
    try:
        write_header(layout, header)
    except OSError:
        session.give_up()
        raise
    return session


def _take_up(layout: Layout, clock: Clock, masking: Masking) -> Session:
    read_header(layout.path)  # raises for a folder that is not a run, before anything is written to it
    try:
        layout.make()
        lock = WriterLock(layout.lock, clock=clock)
    except OSError as error:
        raise _not_resumed(layout, error) from error
    try:
        # Read again under the lock, because the previous writer can have changed it until it released the lock.
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


def _not_created(log_dir: Path, error: OSError) -> RunError:
    return RunError(f"cannot create a run in {log_dir}: {error.strerror or error}; choose another folder")


def _not_resumed(layout: Layout, error: OSError) -> RunError:
    where = f"{error.filename}: " if error.filename else ""
    return RunError(f"cannot resume {layout.path}: {where}{error.strerror or error}")


def _mask(header: Header, masking: Masking) -> None:
    header.keeps_secrets = not masking.enabled
    mask_secrets(header, masking)


def _is_blank(path: Path) -> bool:
    """Return whether a folder has only files of a run that was killed before its header was written."""
    if not path.is_dir():
        return False
    files = (entry for entry in path.rglob("*") if not entry.is_dir() or entry.name == HEADER)
    return all(file.name == LOCK or file.name.startswith((f".{HEADER}.", f".{LOCK}.")) for file in files)
