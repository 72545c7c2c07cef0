"""Importers by name or file contents, including those of other packages, discovered through one entry-point group."""

import contextlib
from pathlib import Path

from rlvitals import plugins
from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.column_mapping import columns_in, example_command
from rlvitals.formats.importers.framework_columns import shown
from rlvitals.formats.importers.importer import Importer
from rlvitals.runs.layout import HEADER

GROUP = "rlvitals.importers"
"""Entry-point group for importers: `name = "module:Class"`."""

_PICKLES = {".pkl", ".pickle"}


def importer_names() -> list[str]:
    """Return the names of all installed import formats."""
    return plugins.names(GROUP)


def make_importer(name: str) -> Importer:
    """Create the importer of a format.

    Raises:
        ImportFormatError: The format is unknown or its importer cannot be created; the cause is attached.
        MissingExtraError: The format needs a package that is not installed.
    """
    return plugins.make(GROUP, name, role=Importer, noun="format", error=ImportFormatError)  # type: ignore[type-abstract]


def importer_of(format: str | Importer) -> Importer:  # noqa: A002 - name in the public interface
    """Return the importer of a format, or the given importer.

    Raises:
        ImportFormatError: As for `make_importer`.
        MissingExtraError: As for `make_importer`.
    """
    return make_importer(format) if isinstance(format, str) else format


def is_of_format(path: Path, format: str | Importer) -> bool:  # noqa: A002 - name in the public interface
    """Return whether the importer of a format recognises a path. A broken importer recognises nothing."""
    with contextlib.suppress(Exception):
        return importer_of(format).recognises(path)
    return False


def format_of(path: Path) -> str:
    """Detect the format of a file or folder from its contents.

    Raises:
        ImportFormatError: The path does not exist, or its format is unknown or unsupported.
    """
    if not path.exists():
        raise ImportFormatError(f"{path} does not exist")
    if (path / HEADER).is_file():
        raise ImportFormatError(f"{path} is already a run folder and needs no import")
    if path.suffix.lower() in _PICKLES:
        raise ImportFormatError(
            f"{path} is a pickle, which could run code when loaded. Export the run to parquet or json instead"
        )
    broken: list[str] = []
    for name in importer_names():
        try:
            found = make_importer(name).recognises(path)
        except Exception as error:  # noqa: BLE001 - a broken importer of another package must not block the import
            broken.append(f"; the importer {name!r} failed: {error}")
            continue
        if found:
            return name
    raise ImportFormatError(_unknown(path) + "".join(broken))


def _unknown(path: Path) -> str:
    """Return the error message for an unknown format: the contents, and how to import them."""
    formats = ", ".join(importer_names())
    if path.is_dir():
        inside = sorted(each.name for each in path.iterdir())
        if not inside:
            return f"{path} is an empty folder: there is nothing to import. Pass the folder that the training writes to"
        return (
            f"{path} is a folder of unknown format: it contains {shown(inside)}. Pass one of its files, or name the "
            f"--format: {formats}"
        )
    if not path.stat().st_size:
        return f"{path} is empty. The program that wrote it possibly stopped before its first record"
    columns = columns_in(path)
    if len(columns) > 1:
        return (
            f"{path} is a table of an unknown program, with the columns {shown(columns)}. To import it, name the "
            f"columns: {example_command(path, columns)}"
        )
    return f"{path} has an unknown format. If you know the format, name it with --format: {formats}"
