"""Sizes in bytes as text."""

from __future__ import annotations


def format_bytes(size_bytes: float) -> str:
    """Return a size in a readable unit: ``812 B``, ``7.1 kB``, ``64 kB``."""
    if size_bytes < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{size_bytes:.0f} B"
    kilo = size_bytes / 1000.0
    return f"{kilo:.1f} kB" if kilo < 10 else f"{kilo:.0f} kB"  # noqa: PLR2004 - two significant digits
