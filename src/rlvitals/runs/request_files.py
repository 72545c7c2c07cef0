"""Requests to a live run: small files in its folder, which the recording process takes."""

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.files.regular_files import make_folder, read_regular, replace_file
from rlvitals.runs.layout import Layout

RequestKind = Literal["note", "tag", "stop", "checkpoint", "learning-rate"]

_NAME = re.compile(r"(\d{17}-[0-9a-f]{8})\.json")
_MOST_BYTES = 16_384
_MOST_FILES = 100
"""Maximum number of files that are read at once."""
_CHECKS = 3
"""Number of times that a folder is listed after its last change, because the time of a change is not exact."""
_MOST_OF_TAG = 100

RequestText = Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"\S")]
"""A note, or why and by whom something is requested."""
TagText = Annotated[str, msgspec.Meta(max_length=_MOST_OF_TAG, pattern=r"\S")]
RateFactor = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A request to a live run.

    Attributes:
        kind: What to do.
        reason: Why, as recorded in the run.
        by: Who asks.
        text: Text of a note, or a tag. Spaces around it are removed.
        factor: Factor of the learning rate.
    """

    kind: RequestKind
    reason: RequestText
    by: RequestText
    text: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    factor: RateFactor = 0.5

    def __post_init__(self) -> None:
        """Remove the spaces around texts, and check the text of a note and of a tag.

        Raises:
            ValueError: The text is empty, or a tag is too long or has characters that are not printable.
        """
        for name in ("reason", "text"):
            msgspec.structs.force_setattr(self, name, getattr(self, name).strip())
        if self.kind in {"note", "tag"} and not self.text:
            raise ValueError(f"text={self.text!r}: a {self.kind} needs a text")
        if self.kind == "tag" and not (self.text.isprintable() and len(self.text) <= _MOST_OF_TAG):
            raise ValueError(
                f"the tag {self.text!a:.200}: a tag must have at most {_MOST_OF_TAG} printable characters; remove line "
                "breaks and control characters"
            )


class TakenRequests(NamedTuple):
    """Requests that were taken from the folder.

    Attributes:
        requests: Requests with their ids, oldest first. Their files are removed.
        ignored: Reasons why other files were ignored, one for each file.
    """

    requests: list[tuple[str, Request]]
    ignored: list[str]


def place_request(layout: Layout, request: Request, *, clock: Clock = SYSTEM_CLOCK) -> str:
    """Write a request for the recording process of a run, and return its id.

    Args:
        layout: Paths of the run.
        request: Request to write.
        clock: Clock to use. Requests are taken in the order of their times.

    Raises:
        OSError: The file cannot be written.
    """
    key = f"{int(clock.time() * 1e6):017d}-{secrets.token_hex(4)}"
    make_folder(layout.requests)
    replace_file(_path(layout, key), msgspec.json.encode(request))
    return key


def withdraw_request(layout: Layout, key: str) -> bool:
    """Remove a request, and return whether it had not been taken yet.

    Raises:
        OSError: The file cannot be removed.
    """
    try:
        _path(layout, key).unlink()
    except FileNotFoundError:
        return False
    return True


class RequestInbox:
    """Requests to one run, for its recording process. A request is removed before it is returned, so it is taken once.

    Requests from before this session are removed, because nobody waits for them.

    Args:
        layout: Paths of the run.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known: tuple[int, int] | None = None
        self._checks_left = 0
        self._kept: set[str] = set()  # files that cannot be removed, and are reported once
        with contextlib.suppress(OSError):
            for path in self._files():
                path.unlink()

    def take(self) -> TakenRequests:
        """Take the new requests. If there are none, this costs one `lstat`."""
        found = TakenRequests([], [])
        try:
            if self._has_changed():
                for path in self._files()[:_MOST_FILES]:
                    self._take(path, found)
        except OSError as error:
            found.ignored.append(f"{error.filename or self._layout.requests}: {error.strerror or error}")
        return found

    def _has_changed(self) -> bool:
        try:
            state = self._layout.requests.lstat()
        except FileNotFoundError:
            return False
        known = (state.st_mode, state.st_mtime_ns)
        self._checks_left = self._checks_left - 1 if known == self._known else _CHECKS
        is_new, self._known = known != self._known, known
        if not stat.S_ISDIR(state.st_mode):
            if is_new:
                raise OSError(0, "is not a folder", str(self._layout.requests))
            return False
        return self._checks_left > 0

    def _files(self) -> list[Path]:
        folder = self._layout.requests
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return []
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _NAME.fullmatch(entry.name) and entry.name not in self._kept]
        return [folder / name for name in sorted(names)]

    def _take(self, path: Path, found: TakenRequests) -> None:
        request: Request | None = None
        reason = ""
        try:
            request = msgspec.json.decode(read_regular(path, _MOST_BYTES), type=Request)
        except FileNotFoundError:  # it was withdrawn
            return
        except OSError as error:
            reason = error.strerror or str(error)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reason = str(error)
        try:
            path.unlink()
        except FileNotFoundError:  # it was withdrawn
            return
        except OSError as error:
            self._kept.add(path.name)
            request, reason = None, reason or f"cannot be removed ({error.strerror or error})"
        if request is None:
            found.ignored.append(f"{path.name}: {reason}")
        else:
            found.requests.append((path.stem, request))


def _path(layout: Layout, key: str) -> Path:
    return layout.requests / f"{key}.json"
