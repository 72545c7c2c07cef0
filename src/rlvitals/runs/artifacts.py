"""Artifacts of a run: their folder, their content and the media type of images."""

from pathlib import Path, PurePath

from rlvitals.errors import ExportError
from rlvitals.files.regular_files import is_folder, make_folder, read_regular
from rlvitals.runs.folder import RunFolder

IMAGE = "image"
"""Kind of the event for a logged image. The `file` in its `data` is a file name in the artifacts folder."""

PNG = b"\x89PNG\r\n\x1a\n"
"""First bytes of a PNG file."""

_SIGNS = ((PNG, "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_WEBP = "image/webp"
_VECTOR = "image/svg+xml"


def own_artifacts(run: RunFolder) -> Path:
    """Return the artifacts folder of a run. It is created if it is missing.

    Raises:
        ExportError: The folder is a link or cannot be created, so nothing can be written there.
    """
    folder = run.layout.artifacts
    try:
        make_folder(folder)
    except OSError as error:
        raise ExportError(f"cannot write to {folder}: {error.strerror or error}; pass another path") from None
    return folder


def artifact(run: RunFolder, name: str, most_bytes: int) -> bytes | None:
    """Read an artifact. Only regular files inside the artifacts folder are read, even if the name leads elsewhere.

    Args:
        run: Run that has the artifact.
        name: File name in an event, relative to the artifacts folder.
        most_bytes: Size limit in bytes. A larger file is not read.

    Returns:
        The content; `None` if the file does not exist, its path contains a link, or it is too large.
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
    """Return the media type of an image from its first bytes, or `None` if the content is not a known image."""
    for sign, media in _SIGNS:
        if content.startswith(sign):
            return media
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _WEBP
    start = content[:1_000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return _VECTOR if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) else None
