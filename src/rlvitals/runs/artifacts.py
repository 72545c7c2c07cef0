"""Pictures among a run's artifacts: where one is, and what kind of picture it is."""

from pathlib import Path, PurePath

from rlvitals.errors import ExportError
from rlvitals.files.regular_files import is_folder, make_folder, read_regular
from rlvitals.runs.folder import RunFolder

IMAGE = "image"
"""The kind of event that tells of a picture: its `data` names the `file` among the run's artifacts."""

PNG = b"\x89PNG\r\n\x1a\n"
"""What a PNG file begins with."""

_SIGNS = ((PNG, "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_WEBP = "image/webp"
_VECTOR = "image/svg+xml"


def own_artifacts(run: RunFolder) -> Path:
    """The folder of a run's artifacts, which is made if it is missing.

    Raises:
        ExportError: It is a link, or cannot be made: nothing may be written there.
    """
    folder = run.layout.artifacts
    try:
        make_folder(folder)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written into: {error.strerror or error}; or give another path") from None
    return folder


def artifact(run: RunFolder, name: str, most_bytes: int) -> bytes | None:
    """Read an artifact: a regular file inside of the run's artifacts, whatever the name says.

    Args:
        run: The run.
        name: File name, as an event has it, relative to the artifacts.
        most_bytes: A larger file is not read.

    Returns:
        The content; `None` if there is no such file, a link is on the way to it, or it is too large.
    """
    place = PurePath(name)
    if place.is_absolute() or ".." in place.parts:
        return None
    path = run.layout.artifacts / place
    inside = [run.layout.artifacts, *(run.layout.artifacts / parent for parent in place.parents)]
    try:
        return read_regular(path, most_bytes) if all(map(is_folder, inside)) else None
    except (OSError, ValueError):
        return None


def media_type(content: bytes) -> str | None:
    """What kind of picture a file is, by its own first bytes; `None` if it is none."""
    for sign, media in _SIGNS:
        if content.startswith(sign):
            return media
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _WEBP
    start = content[:1_000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return _VECTOR if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) else None
