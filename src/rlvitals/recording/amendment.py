"""Settings that become known after a run has ended, such as the value of its trial in a search."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlvitals.recording.options import plain_configuration
from rlvitals.runs.header import read_header, write_header
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import WriterLock


def amend_configuration(path: Path, configuration: Mapping[str, Any]) -> None:
    """Add settings to the configuration of a run that has ended. The run gets no further writer.

    Args:
        path: Path of the run folder.
        configuration: Settings by name. Existing settings of the same name are replaced.

    Raises:
        RunError: The run does not exist, is damaged, or is being written.
        RecordError: A setting cannot be serialised.
        OSError: The header cannot be written.
    """
    plain = plain_configuration(configuration)
    layout = Layout(path)
    read_header(path)  # raises before a lock file is created in a folder that is not a run
    lock = WriterLock(layout.lock)
    try:
        header = read_header(path)
        header.configuration |= plain
        write_header(layout, header)
    finally:
        lock.release()
