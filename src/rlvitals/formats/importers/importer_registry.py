"""Importers by name or by what a file looks like: ours and those of other packages, found by the same entry point."""

from pathlib import Path

from rlvitals import plugins
from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.framework_columns import shown
from rlvitals.formats.importers.importer import Importer
from rlvitals.formats.importers.progress_table import TABLE_ENDINGS, columns_of_table
from rlvitals.runs.layout import HEADER

GROUP = "rlvitals.importers"
"""Entry-point group in which a package offers its importers: `name = "module:Class"`."""

_PICKLES = {".pkl", ".pickle"}


def importer_names() -> list[str]:
    """The names of all formats that are installed."""
    return plugins.names(GROUP)


def make_importer(name: str) -> Importer:
    """Make the importer of a format.

    Raises:
        ImportFormatError: There is no such format, or it cannot be made; the cause is attached.
        MissingExtraError: It needs a package that is not installed.
    """
    return plugins.make(GROUP, name, role=Importer, noun="format", error=ImportFormatError)  # type: ignore[type-abstract]


def format_of(path: Path) -> str:
    """The format of a file or a folder, by its contents.

    Raises:
        ImportFormatError: There is nothing there, it is of no format that is known, or of one that is not read.
    """
    if not path.exists():
        raise ImportFormatError(f"there is no file {path}")
    if (path / HEADER).is_file():
        raise ImportFormatError(f"{path} is a run already: there is nothing to import")
    if path.suffix.lower() in _PICKLES:
        raise ImportFormatError(
            f"{path} is a pickle, which may run any code when it is read: export the run to parquet or json instead"
        )
    broken: list[str] = []
    for name in importer_names():
        try:
            found = make_importer(name).recognises(path)
        except Exception as error:  # noqa: BLE001 - another package's, which must not hinder ours
            broken.append(f"; the importer {name!r} could not look at it: {error}")
            continue
        if found:
            return name
    raise ImportFormatError(_unknown(path) + "".join(broken))


def _unknown(path: Path) -> str:
    """What is said of a file or a folder of no known format: what it holds, and how it can be imported."""
    formats = ", ".join(importer_names())
    if path.is_dir():
        inside = sorted(each.name for each in path.iterdir())
        holds = f"it holds {shown(inside)}" if inside else "it is empty"
        return f"{path} is a folder without a run of a known format: {holds}. Name a file in it, or --format: {formats}"
    if not path.stat().st_size:
        return f"{path} is empty: the program that wrote it may have been stopped before its first record"
    columns = columns_of_table(path) if path.suffix.lower() in TABLE_ENDINGS else []
    if len(columns) > 1:
        return (
            f"{path} is a table of an unknown program, with the columns {shown(columns)}. To import metrics, call the "
            "column that counts environment steps 'step' and add  --format progress; to import episodes, call the "
            "columns 'episode', 'reward' and 'length'"
        )
    return f"{path} is of no known format, by its contents. If you know better, name it with --format: {formats}"
