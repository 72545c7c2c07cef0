"""The writing side: journal first, then the live window, then the sinks."""

from rlvitals.recording.logbook import Logbook
from rlvitals.recording.pictures import PictureLog
from rlvitals.recording.recorder import Losses, Recorder, RecorderSettings, failure_of
from rlvitals.recording.session import Resume, Session, open_session
from rlvitals.recording.window import LiveWindow

__all__ = [
    "LiveWindow",
    "Logbook",
    "Losses",
    "PictureLog",
    "Recorder",
    "RecorderSettings",
    "Resume",
    "Session",
    "failure_of",
    "open_session",
]
