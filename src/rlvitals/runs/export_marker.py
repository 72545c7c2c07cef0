"""What an export of a run is known by, to who writes it and to who reads it."""

FORMAT = "rlvitals-export"
FORMAT_VERSION = 1
HEADER = "header.json"
"""The file in a folder of an export that says what a run's `run.json` says, and how many records there are."""
