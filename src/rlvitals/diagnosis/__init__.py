"""What is wrong with a training, why, and how sure that is: rules, findings, the health score.

`diagnose(evidence)` judges a run. Evidence is collected live (`Collector`) or read from a run folder (`evidence_of`):
the tables are the same, and so are the rules. `FindingTracker` follows the findings of a live run.
"""

from rlvitals.diagnosis.collecting import Collector
from rlvitals.diagnosis.diagnose import Diagnosis, Unjudged, diagnose
from rlvitals.diagnosis.evidence import Context, Evidence
from rlvitals.diagnosis.finding import CRITICAL, INFO, RANK, WARNING, Finding
from rlvitals.diagnosis.folder import collected, context_from, context_of, evidence_of
from rlvitals.diagnosis.health import Health, Loss
from rlvitals.diagnosis.settings import Settings, settings_of
from rlvitals.diagnosis.watch import Change, FindingTracker

__all__ = [
    "CRITICAL",
    "INFO",
    "RANK",
    "WARNING",
    "Change",
    "Collector",
    "Context",
    "Diagnosis",
    "Evidence",
    "Finding",
    "FindingTracker",
    "Health",
    "Loss",
    "Settings",
    "Unjudged",
    "collected",
    "context_from",
    "context_of",
    "diagnose",
    "evidence_of",
    "settings_of",
]
