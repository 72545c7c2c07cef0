"""Exporters by name or by the ending of a file: ours and those of other packages, found by the same entry point."""

from pathlib import Path

from rlvitals import plugins
from rlvitals.errors import ExportError
from rlvitals.formats.exporters.exporter import Exporter

GROUP = "rlvitals.exporters"
"""Entry-point group in which a package offers its exporters: `name = "module:Class"`."""


def exporter_names() -> list[str]:
    """The names of all formats that are installed."""
    return plugins.names(GROUP)


def make_exporter(name: str) -> Exporter:
    """Make the exporter of a format.

    Raises:
        ExportError: There is no such format, or it cannot be made; the cause is attached.
        MissingExtraError: It needs a package that is not installed.
    """
    return plugins.make(GROUP, name, role=Exporter, noun="format", error=ExportError)  # type: ignore[type-abstract]


def endings() -> dict[str, str]:
    """The formats by the endings of their files. A format that cannot be loaded has none."""
    found: dict[str, str] = {}
    for name, point in sorted(plugins.offered(GROUP).items()):
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
