"""Metadata of rlvitals exports."""

from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ImportFormatError
from rlvitals.records import STREAMS
from rlvitals.runs.export_marker import FORMAT, FORMAT_VERSION, HEADER
from rlvitals.runs.header import Header


class ExportMetadata(msgspec.Struct, frozen=True):
    """The metadata from `exporters.Source.described`."""

    header: Header
    version: int
    format: str = ""
    stream: str | None = None
    records: dict[str, int] | None = None


def metadata_in(said: bytes | dict[str, Any], where: object) -> ExportMetadata:
    """Decode and check the metadata of an export.

    Args:
        said: The metadata, as JSON or as a dict.
        where: Source of the metadata, for error messages.

    Raises:
        ImportFormatError: The metadata is damaged, does not belong to an export, or comes from a newer release.
    """
    try:
        mark = msgspec.json.decode(said) if isinstance(said, bytes) else said
        if not isinstance(mark, dict) or mark.get("format") != FORMAT:
            raise ImportFormatError(f"{where} is not an export of a run")
        version = mark.get("version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ImportFormatError(
                f"{where} has format version {version}, but this release reads only up to {FORMAT_VERSION}. "
                "Upgrade with  pip install -U rlvitals"
            )
        preamble = msgspec.convert(mark, ExportMetadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ImportFormatError(f"{where} is damaged: {error}") from None
    for stream in preamble.records or {}:
        if stream not in STREAMS:
            raise ImportFormatError(f"{where}: unknown stream {stream!r}. The streams are {', '.join(STREAMS)}.")
    return preamble


def metadata_of(folder: Path) -> ExportMetadata:
    """Read the metadata of an exported folder.

    Raises:
        ImportFormatError: The metadata is damaged, does not belong to an export, or comes from a newer release.
    """
    file = folder / HEADER
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ImportFormatError(f"{file} cannot be read: {error.strerror or error}") from None
    return metadata_in(content, file)
