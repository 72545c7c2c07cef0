"""Export of a run: choose the format, write to a temporary path, then move the result to its destination."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ExportError, ExportExistsError
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
    format: str | Exporter | None = None,  # noqa: A002 - name in the public interface
    streams: Sequence[str] | None = None,
    raw: bool = True,
    summary: dict[str, Any] | None = None,
    abandoned: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Export a run to a file or a folder.

    The export is written to a temporary path and moved to `path` when it is complete. If the export fails or is killed,
    `path` stays unchanged.

    Args:
        run: Run to export, possibly live.
        path: Path of the file or folder to write.
        format: Name of the format, or an exporter. By default, the suffix of `path` determines the format.
        streams: Names of the streams to export. By default all streams, or the episodes if the file holds one stream.
        raw: Whether to export records; otherwise the export contains only the header and the summary.
        summary: Results computed from the run, as plain values, for formats that hold a header.
        abandoned: Whether to include records of branches that a rewind abandoned.
        overwrite: Whether to replace an existing file, or an existing folder that is an export.
        progress: Callback that receives the number of records written and the total number.

    Returns:
        The path.

    Raises:
        ExportError: The export cannot be written.
        ExportExistsError: The path already exists.
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


def export_path(run: Run, format: str) -> Path:  # noqa: A002 - name in the public interface
    """Return the default path of an export, in the run's artifact folder.

    Raises:
        ExportError: The format is unknown, or the artifact folder is a symbolic link.
        MissingExtraError: The format needs a package that is not installed.
    """
    ending = next(iter(make_exporter(format).endings), f"-{format}")
    return own_artifacts(run) / EXPORTS / f"{run.run_id}{ending}"


def is_export(folder: Path) -> bool:
    """Return whether a folder was written by an exporter."""
    try:
        said = msgspec.json.decode(read_regular(folder / HEADER))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(said, dict) and said.get("format") == FORMAT


def _check_free(path: Path, *, overwrite: bool) -> None:
    if not path.exists():
        return
    if not overwrite:
        raise ExportExistsError(f"{path} already exists. Choose another path, or overwrite it")
    if path.is_dir() and not is_export(path):
        raise ExportError(f"{path} is a folder but not an export, so it is not overwritten. Choose another path")


def _put(target: Path, path: Path) -> None:
    before = target.with_name("before")
    if path.is_dir():  # only files can be replaced atomically
        path.rename(before)
    try:
        target.replace(path)
    except OSError:
        if before.exists():
            before.rename(path)
        raise


@contextlib.contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """Yield a path of the same name in a hidden sibling folder, which is removed afterwards."""
    if not path.name:
        raise ExportError(f"{path} has no file name. Choose a path that ends in one")
    folder = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)  # left by a killed process that had the same process id
        folder.mkdir()
        yield folder / path.name
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
