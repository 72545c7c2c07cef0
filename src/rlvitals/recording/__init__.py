"""Write path: each record goes to the journal, then to the live window, then to the sinks."""

from rlvitals.recording.failure import Terminated, ending_of, failure_of
from rlvitals.recording.process_end import exit_error
from rlvitals.recording.recorder import DroppedRecords, Recorder, RecorderSettings
from rlvitals.recording.session import Resume, Session, open_copy, open_session
from rlvitals.recording.window import LiveWindow

__all__ = [
    "DroppedRecords",
    "LiveWindow",
    "Recorder",
    "RecorderSettings",
    "Resume",
    "Session",
    "Terminated",
    "ending_of",
    "exit_error",
    "failure_of",
    "open_copy",
    "open_session",
]
