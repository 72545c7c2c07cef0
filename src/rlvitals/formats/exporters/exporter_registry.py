"""Exporters by name or file suffix, including those of other packages, discovered through one entry-point group."""

from pathlib import Path

from rlvitals import plugins
from rlvitals.errors import ExportError
from rlvitals.formats.exporters.exporter import Exporter

GROUP = "rlvitals.exporters"
"""Entry-point group for exporters: `name = "module:Class"`."""


def exporter_names() -> list[str]:
    """Return the names of all installed export formats."""
    return plugins.names(GROUP)


def make_exporter(name: str) -> Exporter:
    """Create the exporter of a format.

    Raises:
        ExportError: The format is unknown or its exporter cannot be created; the cause is attached.
        MissingExtraError: The format needs a package that is not installed.
    """
    return plugins.make(GROUP, name, role=Exporter, noun="format", error=ExportError)  # type: ignore[type-abstract]


def endings() -> dict[str, str]:
    """Return the format of each file suffix. Formats that cannot be loaded are skipped."""
    found: dict[str, str] = {}
    for name, point in sorted(plugins.offered(GROUP).items()):
        try:
            known = point.load().endings
        except Exception:  # noqa: BLE001, S112 - a broken exporter of another package must not affect the others
            continue
        for ending in known:
            found.setdefault(ending, name)
    return found


def format_of(path: Path) -> str:
    """Return the format for a path's suffix.

    Raises:
        ExportError: No format has this suffix.
    """
    known = endings()
    format_ = known.get(path.suffix.lower())
    if format_ is None:
        raise ExportError(
            f"{path}: unknown format. Use a path that ends in one of {', '.join(sorted(known))}, "
            f"or name the format: {', '.join(exporter_names())}"
        )
    return format_
