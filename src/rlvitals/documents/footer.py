"""Who made a report, and when."""

from importlib.metadata import PackageNotFoundError, version

from rlvitals.formatting import format_time


def foot(made: float) -> str:
    """The last line of a report.

    Args:
        made: When it was made (UTC, seconds since 1970).
    """
    try:
        release = f" {version('rlvitals')}"
    except PackageNotFoundError:  # run from a folder of sources
        release = ""
    return f"Made by rlvitals{release} on {format_time(made)}. Moments are in this machine's time zone."
