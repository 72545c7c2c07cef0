"""Exporters by name or by the ending of a file: ours and those of other packages, found by the same entry point."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from rlvitals.errors import ExportError, RlvitalsError
from rlvitals.exporters.base import Exporter

GROUP = "rlvitals.exporters"
"""Entry-point group in which a package offers its exporters: `name = "module:Class"`."""


@cache
def _offered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def exporter_names() -> list[str]:
    """The names of all formats that are installed."""
    return sorted(_offered())


def make_exporter(name: str) -> Exporter:
    """Make the exporter of a format.

    Raises:
        ExportError: There is no such format, or it cannot be made; the cause is attached.
        MissingExtraError: It needs a package that is not installed.
    """
    if name not in _offered():
        raise ExportError(f"there is no format {name!r}: installed are {', '.join(exporter_names()) or 'none'}")
    try:
        made = _offered()[name].load()()
    except RlvitalsError:
        raise
    except Exception as error:
        raise ExportError(f"the exporter {name!r} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(made, Exporter):
        raise ExportError(f"{name!r} made a {type(made).__name__}, which is no rlvitals.exporters.Exporter")
    return made


def endings() -> dict[str, str]:
    """The formats by the endings of their files. A format that cannot be loaded has none."""
    found: dict[str, str] = {}
    for name, point in sorted(_offered().items()):
        try:
            known = point.load().endings
        except Exception:  # noqa: BLE001, S112 - another package's, of which nothing is wanted but its endings
            continue
        for ending in known:
            found.setdefault(ending, name)
    return found


def format_of(path: Path) -> str:
    """The format that a path's ending names.

    Raises:
        ExportError: It names none.
    """
    known = endings()
    format_ = known.get(path.suffix.lower())
    if format_ is None:
        raise ExportError(
            f"{path} does not say its format: end it with one of {', '.join(sorted(known))}, "
            f"or name the format: {', '.join(exporter_names())}"
        )
    return format_
