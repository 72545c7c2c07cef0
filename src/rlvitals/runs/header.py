"""The header of a run, `run.json`: status, configuration, writers and reproduction details."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import RecordError, RunFormatError, RunNotFoundError
from rlvitals.files.regular_files import aside_of, read_regular
from rlvitals.records.coercion import coerce, number_or_none, shown, spelled
from rlvitals.records.masking import DEFAULT_MASKING, Masking
from rlvitals.records.schema import Column, Field
from rlvitals.records.setting_names import settings_by_name
from rlvitals.runs.durability import put_in_place, write_whole
from rlvitals.runs.layout import FORMAT, FORMAT_VERSION, HEADER, Layout, is_headless

RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
PREEMPTED = "preempted"
PAUSED = "paused"
STATUSES = (RUNNING, COMPLETED, FAILED, PREEMPTED, PAUSED)
"""Statuses that a writer sets. Readers derive "stalled" and "crashed" from the heartbeat: see `runs.vitality`."""
IMPORTED = "imported"
"""Entry of `Header.reproduction` with the origin of an imported run."""
ENDED = frozenset({COMPLETED, FAILED, PREEMPTED})
"""Statuses of a run that its writer has ended."""


class Rewind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Point to which a writer rewound the run. Records of previous writers after any of these values are abandoned.

    Attributes:
        env_step: Environment step to return to.
        episode: Episode to return to.
        step: Step of an update to return to.
    """

    env_step: int | None = None
    episode: int | None = None
    step: int | None = None

    @property
    def place(self) -> str:
        """The known values as text, such as `env_step 8000, episode 3`."""
        clocks = msgspec.structs.asdict(self)
        return ", ".join(f"{name} {at}" for name, at in clocks.items() if at is not None) or "the beginning"


class Writer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One writer of a run. A process is one writer, and each rewind starts another.

    Attributes:
        writer: Number of the writer, from 1.
        started: Start of the writer.
        host: Name of the machine. Empty if unknown, as in an imported run.
        pid: Process id. 0 if unknown.
        ended: End of the writer. Absent while it writes, and if it was killed.
        status: Status that it left. Absent until then.
        rewind: Point to which it rewound the run. Absent without a rewind.
    """

    writer: int
    started: float
    host: str
    pid: int
    ended: float | None = None
    status: str | None = None
    rewind: Rewind | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The exception that ended a run.

    Attributes:
        type: Class of the exception, or name of the signal.
        message: Message of the exception.
        traceback: Traceback of the exception.
    """

    type: str
    message: str
    traceback: str = ""

    @property
    def text(self) -> str:
        """The type and the message. Only one of them if there is no message, or if the message names the signal."""
        if not self.message:
            return self.type
        return self.message if self.message.split()[-1:] == [self.type] else f"{self.type}: {self.message}"


class Header(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Content of `run.json`. Times are UTC, in seconds since 1970."""

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
    """Whether the author of the run switched off the masking of secrets."""

    @property
    def planned_steps(self) -> float | None:
        """Planned number of environment steps: the goal, or else the setting `total_timesteps`. `None` if unknown."""
        planned = self.goals.get(_PLANNED) or number_or_none(settings_by_name(self.configuration).get(_PLANNED))
        return planned if planned is not None and math.isfinite(planned) and planned >= 1 else None


_PLANNED = "total_timesteps"
_MOST_BYTES = 64 << 20
"""Size limit of a header, in bytes. Reading a larger file could fill the memory."""


def mask_secrets(header: Header, masking: Masking) -> None:
    """Mask the secrets in the configuration, the command line and the failure of a header."""
    header.configuration = masking.settings(header.configuration)
    header.reproduction = {
        name: value if name == "packages" else masking.settings(value) for name, value in header.reproduction.items()
    }
    if header.failure is not None:
        header.failure = masked_failure(header.failure, masking)


def masked_failure(failure: Failure, masking: Masking) -> Failure:
    """Return a failure with masked secrets in its message and traceback."""
    message, trace = masking.text(failure.message), masking.traceback(failure.traceback)
    return Failure(type=failure.type, message=message, traceback=trace)


def read_header(path: Path) -> Header:
    """Read the header of a run. Secrets are masked, also in runs from versions that recorded them unmasked.

    Raises:
        RunNotFoundError: There is no run at the path.
        RunFormatError: The folder is not a run folder, its header is damaged, or it uses a newer format.
    """
    file = path / HEADER
    try:
        content = read_regular(file, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_dir():
            raise RunFormatError(_why_none(path)) from None
        raise RunNotFoundError(f"no run at {path}. Check the path, or run `rlvitals ls` to list runs.") from None
    except OSError as error:
        raise RunFormatError(f"{file} cannot be read: {error.strerror or error}") from None
    try:
        mark = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RunFormatError(f"{file} is damaged: {error}; restore it from a backup") from None
    if mark.get("format") != FORMAT:
        raise RunFormatError(
            f"{file} is not the header of a run: its format is {mark.get('format')!r:.40}, not {FORMAT!r}"
        )
    version = mark.get("version")
    if type(version) is not int or version < 1:
        raise RunFormatError(f"{file} is damaged: invalid format version {version!r:.40}; restore it from a backup")
    if version > FORMAT_VERSION:
        raise RunFormatError(
            f"{path} has format version {version!r:.40}, but this release reads versions up to {FORMAT_VERSION}. "
            "Upgrade with: pip install -U rlvitals"
        )
    try:
        header = msgspec.convert(mark, Header)
    except msgspec.ValidationError as error:
        raise RunFormatError(f"{file} is damaged: {error}; restore it from a backup") from None
    if not header.keeps_secrets:
        mask_secrets(header, DEFAULT_MASKING)
    return header


def _why_none(path: Path) -> str:
    with contextlib.suppress(OSError):
        if is_headless([entry.name for entry in path.iterdir() if entry.is_dir()]):
            return f"{path} has the folders of a run, but no {HEADER}; copy the run again or restore the file"
    return f"{path} is not a run folder: it has no {HEADER}; run `rlvitals ls` to list runs"


def _encoded(header: Header) -> bytes:
    """Encode the header as JSON. Values that JSON cannot represent are converted, so that a run can always end."""
    try:
        return msgspec.json.encode(header)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError, RecursionError):
        settings = {name: _fitting(value) for name, value in header.configuration.items()}
        fitted = {one.encode_name: _fitting(getattr(header, one.name)) for one in msgspec.structs.fields(header)}
        return msgspec.json.encode({**fitted, "configuration": settings})


def _fitting(value: Any) -> Any:
    """Convert a value to one that JSON can represent."""
    try:
        return spelled(coerce(Field("value", Column.TREE, required=True), {"": value}, HEADER, tree_text=None))[""]
    except RecordError:
        return shown(value)


def write_header(layout: Layout, header: Header, *, outdated: Callable[[], bool] = lambda: False) -> None:
    """Replace the header file atomically: a reader sees the whole old or new header. Any thread can call this.

    Args:
        layout: Paths of the run.
        header: Header to write.
        outdated: Function that returns whether a newer header has been written meanwhile. It is called immediately
            before the old file is replaced.

    Raises:
        OSError: The file could not be written, or its name could not be synced to the disk. Write it again.
    """
    header.format, header.version = FORMAT, FORMAT_VERSION
    content = msgspec.json.format(_encoded(header), indent=2) + b"\n"
    # Each write has its own temporary file: two threads, or a signal handler and the code that it interrupted, can
    # write at the same time.
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
