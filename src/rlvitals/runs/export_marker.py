"""Markers by which an importer recognises an export of a run."""

FORMAT = "rlvitals-export"
FORMAT_VERSION = 1
HEADER = "header.json"
"""File in an export folder with the content of `run.json` and the number of records."""
