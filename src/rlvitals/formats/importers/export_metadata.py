"""What an export of ours says of itself."""

from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ImportFormatError
from rlvitals.records import STREAMS
from rlvitals.runs.export_marker import FORMAT, FORMAT_VERSION, HEADER
from rlvitals.runs.header import Header


class ExportMetadata(msgspec.Struct, frozen=True):
    """What `exporters.Source.described` says."""

    header: Header
    version: int
    format: str = ""
    stream: str | None = None
    records: dict[str, int] | None = None


def metadata_in(said: bytes | dict[str, Any], where: object) -> ExportMetadata:
    """Check what an export says of itself.

    Args:
        said: The document, as JSON or decoded.
        where: The file, for messages.

    Raises:
        ImportFormatError: It is damaged, no export, or of a newer release.
    """
    try:
        mark = msgspec.json.decode(said) if isinstance(said, bytes) else said
        if not isinstance(mark, dict) or mark.get("format") != FORMAT:
            raise ImportFormatError(f"{where} is not an export of a run")
        version = mark.get("version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ImportFormatError(
                f"{where} has format version {version}, and this release reads up to {FORMAT_VERSION}: "
                "upgrade with  pip install -U rlvitals"
            )
        preamble = msgspec.convert(mark, ExportMetadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ImportFormatError(f"{where} is damaged: {error}") from None
    for stream in preamble.records or {}:
        if stream not in STREAMS:
            raise ImportFormatError(f"{where}: there is no stream {stream!r}: the streams are {', '.join(STREAMS)}")
    return preamble


def metadata_of(folder: Path) -> ExportMetadata:
    """What the folder of an export says of itself.

    Raises:
        ImportFormatError: It is damaged, no export, or of a newer release.
    """
    file = folder / HEADER
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ImportFormatError(f"{file} cannot be read: {error.strerror or error}") from None
    return metadata_in(content, file)
