"""Documents of the commands that write a file: `rlvitals report --json` and `rlvitals export --json`."""

from pathlib import Path
from typing import Literal

import msgspec


class WrittenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder that was written.

    Attributes:
        path: Absolute path.
        bytes: Size in bytes, of all files in a folder.
    """

    path: str
    bytes: int


class WrittenReport(WrittenFile, frozen=True, kw_only=True):
    """A report that was written.

    Attributes:
        kind: `report` of a run, or `digest` of a folder of runs.
    """

    kind: Literal["report", "digest"]


class ExportedRun(WrittenFile, frozen=True, kw_only=True):
    """An export of a run.

    Attributes:
        run_id: Name of the run.
        format: Format of the export.
    """

    run_id: str
    format: str


class ReportText(msgspec.Struct, frozen=True):
    """The report of a run as text.

    Attributes:
        run_id: Name of the run.
        markdown: Report in Markdown.
    """

    run_id: str
    markdown: str


def files_at(path: Path) -> list[Path]:
    """Return the files of a written path, which can be a folder."""
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def written_file(path: Path) -> WrittenFile:
    """Return the absolute path and the size of a written file or folder."""
    return WrittenFile(path=str(path.absolute()), bytes=sum(file.stat().st_size for file in files_at(path)))


def written_report(path: Path, kind: Literal["report", "digest"]) -> WrittenReport:
    """Return the document of a written report."""
    return WrittenReport(kind=kind, **msgspec.structs.asdict(written_file(path)))


def exported_run(run_id: str, path: Path, form: str) -> ExportedRun:
    """Return the document of a written export."""
    return ExportedRun(run_id=run_id, format=form, **msgspec.structs.asdict(written_file(path)))
