"""Sealing of segments: the lines of a full segment are converted to Parquet and then removed.

Sealing can be killed at any time and repeated. The Parquet file is written under a temporary name, gets its checksum,
is synced to the disk and renamed before the lines are removed. If both files exist, the Parquet file is used.

A trainer runs this module in a separate process, so that the training process does not load DuckDB or wait for the
conversion: ``python -m rlvitals.runs.sealing SEGMENT...``
"""

import contextlib
import errno
import os
import sys
from pathlib import Path

import duckdb

from rlvitals.errors import RunFormatError
from rlvitals.files.regular_files import read_regular
from rlvitals.records import STREAMS, codec_of
from rlvitals.runs import checksum
from rlvitals.runs.durability import force_file, force_folder, put_in_place, replace_whole
from rlvitals.runs.layout import SEALED
from rlvitals.runs.sql_columns import database, lines_source, literal, typed_columns
from rlvitals.runs.torn import keep_aside, lines_of

_ROW_GROUP = 100_000


def seal(segment: Path) -> Path:
    """Seal one segment. No process may append to it any more.

    Args:
        segment: A `.jsonl` file in the folder of a stream.

    Returns:
        The path of the sealed segment.

    Raises:
        RunFormatError: The segment cannot be converted. It is unchanged.
        OSError: The sealed segment cannot be written. The segment is unchanged.
    """
    kind = STREAMS[segment.parent.name]
    sealed = segment.with_suffix(SEALED)
    aside = segment.with_name(f".{segment.stem}.{os.getpid()}.tmp")
    aside.unlink(missing_ok=True)  # DuckDB would write through a link
    try:
        if not _convert(segment, aside):
            _drop_torn_lines(segment)
            if not _convert(segment, aside):
                raise RunFormatError(f"{segment} cannot be sealed: some of its lines cannot be converted to rows")
        checksum.stamp(aside)
        force_file(aside)
        put_in_place(aside, sealed)
        segment.unlink(missing_ok=True)
        force_folder(segment.parent)
    except (FileNotFoundError, duckdb.Error) as error:
        if segment.exists():
            raise RunFormatError(f"{segment} ({kind.__name__}) cannot be sealed: {error}") from None
        if not sealed.exists():  # otherwise another process has sealed it
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(segment)) from None
    finally:
        aside.unlink(missing_ok=True)
    for left in segment.parent.glob(f".{segment.stem}.*tmp"):  # left by sealing processes that were killed
        left.unlink(missing_ok=True)
    return sealed


def _convert(segment: Path, target: Path) -> bool:
    """Write the rows of a segment to Parquet. Return whether every line was converted to a row."""
    kind = STREAMS[segment.parent.name]
    content = read_regular(segment)
    # DuckDB truncates the name of a key at a NUL character.
    structs = b"\\u0000" not in content
    # Use one thread, so that the training keeps the other cores.
    with database(threads=1, memory_limit="2GB") as connection:
        source = lines_source(kind, [segment])
        columns = typed_columns(connection, kind, source, structs=structs)
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}, {checksum.METADATA}"
        copied = connection.execute(
            f"COPY (SELECT {columns} FROM {source}) TO {literal(target)} ({options})"
        ).fetchone()
    return copied is not None and copied[0] == content.count(b"\n") and content[-1:] in {b"\n", b""}


def _drop_torn_lines(segment: Path) -> None:
    """Move unreadable and incomplete lines from the segment to its `.torn` file."""
    content = read_regular(segment)
    unpack = codec_of(STREAMS[segment.parent.name]).unpack
    lines = list(lines_of(content, unpack))
    whole = b"".join(line + b"\n" for line, record in lines if record is not None)
    if whole == content:
        return
    torn = [line for line, record in lines if record is None]
    if torn:
        keep_aside(segment, b"\n".join(torn))
    replace_whole(segment, whole)


def main(paths: list[str]) -> int:
    """Seal segments and write an error for each that could not be sealed.

    Args:
        paths: Paths of the segments.

    Returns:
        The exit code: the number of segments that could not be sealed.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)  # lower priority than the training
    failed = 0
    for path in paths:
        try:
            seal(Path(path))
        except (OSError, RunFormatError) as error:
            sys.stderr.write(f"{error}\n")
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
