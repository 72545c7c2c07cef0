"""Exporting a run: choose the format, write aside, put it in its place."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ExportError
from rlvitals.files.regular_files import read_regular
from rlvitals.formats.exporters.exporter import Exporter, Progress, Source
from rlvitals.formats.exporters.exporter_registry import format_of, make_exporter
from rlvitals.runs.artifacts import own_artifacts
from rlvitals.runs.export_marker import FORMAT, HEADER
from rlvitals.runs.run import Run

EXPORTS = "exports"


def export_run(
    run: Run,
    path: str | Path,
    *,
    format: str | Exporter | None = None,  # noqa: A002 - the interface's own word
    streams: Sequence[str] | None = None,
    raw: bool = True,
    summary: dict[str, Any] | None = None,
    abandoned: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a run to a file or a folder.

    It is written aside and put in its place when it is whole: an export that fails, or is killed, leaves nothing at the
    path, and what was there before as it was.

    Args:
        run: The run; it may be live.
        path: Where to.
        format: The format's name, or an exporter; by default the path's ending says it.
        streams: The streams that are wanted; all by default, or the episodes where a file holds one.
        raw: Whether records are wanted, and not the header and the summary alone.
        summary: What was worked out of the run, plain values; kept by the formats that hold a header.
        abandoned: Whether records of branches that a rewind left behind are wanted too.
        overwrite: Whether what is at the path is replaced: a file, or a folder that is an export.
        progress: Is told how many records are done, of how many.

    Returns:
        The path.

    Raises:
        ExportError: It cannot be written, or there is something at the path already.
        MissingExtraError: The format needs a package that is not installed.
        RunFormatError: The run is damaged.
    """
    path = Path(path)
    exporter = format if isinstance(format, Exporter) else make_exporter(format or format_of(path))
    source = Source(run, streams=streams, raw=raw, summary=summary, abandoned=abandoned, progress=progress)
    _check_free(path, overwrite=overwrite)
    with _aside(path) as target:
        exporter.export(source, target)
        source.finished()
        _check_free(path, overwrite=overwrite)
        _put(target, path)
    return path


def export_path(run: Run, format: str) -> Path:  # noqa: A002 - the interface's own word
    """Where an export goes if nobody says where: into the run's own folder of artifacts.

    Raises:
        ExportError: There is no such format, or the folder of artifacts is a link.
        MissingExtraError: It needs a package that is not installed.
    """
    ending = next(iter(make_exporter(format).endings), f"-{format}")
    return own_artifacts(run) / EXPORTS / f"{run.run_id}{ending}"


def is_export(folder: Path) -> bool:
    """Whether a folder was made by an export."""
    try:
        said = msgspec.json.decode(read_regular(folder / HEADER))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(said, dict) and said.get("format") == FORMAT


def _check_free(path: Path, *, overwrite: bool) -> None:
    if not path.exists():
        return
    if not overwrite:
        raise ExportError(f"{path} is there already: choose another path, or say that it is to be overwritten")
    if path.is_dir() and not is_export(path):
        raise ExportError(f"{path} is a folder, and not an export: it is not overwritten; choose another path")


def _put(target: Path, path: Path) -> None:
    before = target.with_name("before")
    if path.is_dir():  # only a file can be replaced in one step
        path.rename(before)
    try:
        target.replace(path)
    except OSError:
        if before.exists():
            before.rename(path)
        raise


@contextlib.contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A path of the same name in a hidden folder beside, which is gone in the end."""
    if not path.name:
        raise ExportError(f"{path} has no name for a file")
    folder = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)  # of a process of this number that was killed
        folder.mkdir()
        yield folder / path.name
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
