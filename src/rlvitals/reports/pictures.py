"""The pictures that a run logged, as bytes that a page can hold."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from rlvitals.records import Event
from rlvitals.runs import Run

IMAGE = "image"
"""The kind of event that tells of a picture: its `data` names the `file` among the run's artifacts."""
MOST_PICTURES = 24
_MOST_BYTES = 2_000_000
_MOST_IN_ALL = 12_000_000

_SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)
_VECTOR = "image/svg+xml"


class Picture(NamedTuple):
    """A picture.

    Attributes:
        title: What it is.
        group: What it belongs to, such as the logo that several show; empty if nothing.
        media: Its kind, told by its own first bytes.
        content: The file.
        env_step: When it was made.
        facts: Numbers and short texts that were logged with it.
    """

    title: str
    group: str
    media: str
    content: bytes
    env_step: int | None
    facts: dict[str, object]


def pictures_of(run: Run, events: Iterable[Event]) -> list[Picture]:
    """The last pictures of a run, oldest first: those that are there, are pictures, and are not too large.

    Args:
        run: The run.
        events: Its events.
    """
    folder = run.layout.artifacts.resolve()
    found: list[Picture] = []
    size = 0
    for event in reversed([one for one in events if one.kind == IMAGE]):
        data = event.data if isinstance(event.data, Mapping) else {}
        content = _content(folder, data.get("file"))
        media = None if content is None else media_type(content)
        if content is None or media is None or size + len(content) > _MOST_IN_ALL:
            continue
        size += len(content)
        found.append(Picture(*_named(event.message, data), media, content, event.env_step, _facts(data)))
        if len(found) == MOST_PICTURES:
            break
    return found[::-1]


def _named(message: str, data: Mapping[str, object]) -> tuple[str, str]:
    name, group = data.get("name"), data.get("group")
    return (name if isinstance(name, str) else message), (group if isinstance(group, str) else "")


def _facts(data: Mapping[str, object]) -> dict[str, object]:
    said = {name: data[name] for name in ("caption", "bytes") if name in data}
    metrics = data.get("metrics")
    return {**said, **{str(name): value for name, value in metrics.items()}} if isinstance(metrics, Mapping) else said


def media_type(content: bytes) -> str | None:
    """What kind of picture a file is, by its own first bytes; `None` if it is none."""
    for sign, media in _SIGNS:
        if content.startswith(sign):
            return media
    start = content[:1_000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return _VECTOR if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) else None


def _content(folder: Path, name: object) -> bytes | None:
    """A file inside of the folder of artifacts; nothing outside of it, whatever the name says."""
    if not isinstance(name, str):
        return None
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None
