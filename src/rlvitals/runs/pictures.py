"""Pictures among a run's artifacts: where one is, and what kind of picture it is."""

from pathlib import Path

from rlvitals.runs.folder import RunFolder

IMAGE = "image"
"""The kind of event that tells of a picture: its `data` names the `file` among the run's artifacts."""

PNG = b"\x89PNG\r\n\x1a\n"
"""What a PNG file begins with."""

_SIGNS = ((PNG, "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_WEBP = "image/webp"
_VECTOR = "image/svg+xml"


def artifact_path(run: RunFolder, name: str, most_bytes: int) -> Path | None:
    """Where an artifact is; nothing outside of the run's artifacts, whatever the name says.

    Args:
        run: The run.
        name: The file's name, as an event has it.
        most_bytes: A larger file is not given.

    Returns:
        The path; `None` if there is no such file, or it is too large.
    """
    folder = run.layout.artifacts.resolve()
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder) and path.is_file()
        return path if inside and path.stat().st_size <= most_bytes else None
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
