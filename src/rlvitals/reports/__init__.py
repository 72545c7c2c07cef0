"""Reports: a run or a comparison in, a page, a text or a print out; and digests of a folder of runs.

A run is read once (`account`), told as a document of plain blocks (`contents`, `digest`, `compared`), and the document
is written as HTML or Markdown, drawn as PNG, or printed as PDF. Charts are plain values (`charts`), drawn as SVG.
"""

from rlvitals.reports.writing import ENDINGS, PAGES, REPORT, check_form, write_comparison, write_digest, write_report

__all__ = ["ENDINGS", "PAGES", "REPORT", "check_form", "write_comparison", "write_digest", "write_report"]
