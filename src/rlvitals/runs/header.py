"""`run.json`: what a run is, who wrote it, and what reproduces it."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import RecordError, RunFormatError, RunNotFoundError
from rlvitals.files.regular_files import aside_of, read_regular
from rlvitals.records.coercion import coerce, shown, spelled
from rlvitals.records.masking import DEFAULT_MASKING, Masking
from rlvitals.records.schema import Column, Field
from rlvitals.runs.durability import put_in_place, write_whole
from rlvitals.runs.layout import FORMAT, FORMAT_VERSION, HEADER, Layout, is_headless

RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
PREEMPTED = "preempted"
PAUSED = "paused"
STATUSES = (RUNNING, COMPLETED, FAILED, PREEMPTED, PAUSED)
"""What a writer can say of its run. That it stalled or crashed is for its readers to see: `runs.vitality`."""
ENDED = frozenset({COMPLETED, FAILED, PREEMPTED})
"""Statuses with which a writer says that its run is over."""


class Rewind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a writer went back to: what earlier writers said beyond any of these is an abandoned branch."""

    env_step: int | None = None
    episode: int | None = None
    step: int | None = None

    @property
    def place(self) -> str:
        """The clocks that are known, as text: `env_step 8000, episode 3`."""
        clocks = msgspec.structs.asdict(self)
        return ", ".join(f"{name} {at}" for name, at in clocks.items() if at is not None) or "the beginning"


class Writer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One writer of a run: a process, or what followed a rewind."""

    writer: int
    started: float
    host: str
    pid: int
    ended: float | None = None
    status: str | None = None
    rewind: Rewind | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The exception that ended a run."""

    type: str
    message: str
    traceback: str = ""

    @property
    def text(self) -> str:
        """The type and the message; one of them where it says all: no message, or one that names the signal."""
        if not self.message:
            return self.type
        return self.message if self.message.split()[-1:] == [self.type] else f"{self.type}: {self.message}"


class Header(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that `run.json` says. Times are UTC, seconds since 1970."""

    format: str = ""
    version: int = 0
    run_id: str
    project: str = ""
    status: str = RUNNING
    started: float
    ended: float | None = None
    configuration: dict[str, Any] = {}
    reproduction: dict[str, Any] = {}
    totals: dict[str, int] = {}
    dropped_records: dict[str, int] = msgspec.field(default_factory=dict, name="losses")
    writers: list[Writer] = []
    failure: Failure | None = None
    tags: list[str] = []
    goals: dict[str, float] = {}
    keeps_secrets: bool = False
    """Whether masking was switched off: the run's author wants its secrets shown."""


_MOST_BYTES = 64 << 20
"""Of a header. A file that is larger is not one, and reading it could fill the memory."""


def mask_secrets(header: Header, masking: Masking) -> None:
    """Mask the secrets in a header's settings, its command line and its failure."""
    header.configuration = masking.settings(header.configuration)
    header.reproduction = {
        name: value if name == "packages" else masking.settings(value) for name, value in header.reproduction.items()
    }
    if header.failure is not None:
        header.failure = masked_failure(header.failure, masking)


def masked_failure(failure: Failure, masking: Masking) -> Failure:
    """Describe an exception without the secrets in its message and its traceback."""
    message, trace = masking.text(failure.message), masking.traceback(failure.traceback)
    return Failure(type=failure.type, message=message, traceback=trace)


def read_header(path: Path) -> Header:
    """Read the header of a run. Secrets are masked, also those of runs that were recorded before anything was.

    Raises:
        RunNotFoundError: There is no run at that path.
        RunFormatError: The folder is not a run, its header is damaged, or it is of a newer format.
    """
    file = path / HEADER
    try:
        content = read_regular(file, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_dir():
            raise RunFormatError(_why_none(path)) from None
        raise RunNotFoundError(f"there is no run at {path}") from None
    except OSError as error:
        raise RunFormatError(f"{file} cannot be read: {error.strerror or error}") from None
    try:
        mark = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RunFormatError(f"{file} is damaged: {error}") from None
    if mark.get("format") != FORMAT:
        raise RunFormatError(f"{file} is not the header of a run: format {mark.get('format')!r:.40}, not {FORMAT!r}")
    version = mark.get("version")
    if type(version) is not int or version < 1:
        raise RunFormatError(f"{file} is damaged: format version {version!r:.40} is none")
    if version > FORMAT_VERSION:
        raise RunFormatError(
            f"{path} has format version {version!r:.40}, and this release reads up to {FORMAT_VERSION}: "
            "upgrade with  pip install -U rlvitals"
        )
    try:
        header = msgspec.convert(mark, Header)
    except msgspec.ValidationError as error:
        raise RunFormatError(f"{file} is damaged: {error}") from None
    if not header.keeps_secrets:
        mask_secrets(header, DEFAULT_MASKING)
    return header


def _why_none(path: Path) -> str:
    with contextlib.suppress(OSError):
        if is_headless([entry.name for entry in path.iterdir() if entry.is_dir()]):
            return f"{path} has the folders of a run, but no {HEADER}: it was removed, or a copy was cut off"
    return f"{path} is a folder, but not a run: it has no {HEADER}"


def _encoded(header: Header) -> bytes:
    """The header as JSON; a value that JSON cannot hold is made to fit, because nothing may keep a run from ending."""
    try:
        return msgspec.json.encode(header)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError, RecursionError):
        settings = {name: _fitting(value) for name, value in header.configuration.items()}
        fitted = {one.encode_name: _fitting(getattr(header, one.name)) for one in msgspec.structs.fields(header)}
        return msgspec.json.encode({**fitted, "configuration": settings})


def _fitting(value: Any) -> Any:
    """A value as JSON can hold it."""
    try:
        return spelled(coerce(Field("value", Column.TREE, required=True), {"": value}, HEADER, tree_text=None))[""]
    except RecordError:
        return shown(value)


def write_header(layout: Layout, header: Header, *, outdated: Callable[[], bool] = lambda: False) -> None:
    """Replace the header at once: a reader sees the old one or the new one, whole. Safe from any thread.

    Args:
        layout: The run's paths.
        header: What it is to say.
        outdated: Asked right before the old one is replaced: whether something newer has been written meanwhile.

    Raises:
        OSError: It could not be written, or its name not be forced to the disk; write it again.
    """
    header.format, header.version = FORMAT, FORMAT_VERSION
    content = msgspec.json.format(_encoded(header), indent=2) + b"\n"
    # A name of its own for each write, as two threads, or a signal handler and what it interrupted, may write at once.
    aside = aside_of(layout.header)
    try:
        write_whole(aside, content)
        if outdated():
            aside.unlink()
        else:
            put_in_place(aside, layout.header)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
