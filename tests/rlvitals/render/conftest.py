"""Fixtures with unusual runs and hand-made comparisons."""

from report_cases import compared, hostile_text, kept, made, odd, page_of, printer, read_page

__all__ = [
    "compared",
    "hostile_text",
    "kept",
    "made",
    "odd",
    "page_of",
    "printer",
    "read_page",
]
