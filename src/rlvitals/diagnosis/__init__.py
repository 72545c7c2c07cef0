"""Diagnosis of training runs: rules, findings with causes and confidence, and the health score.

`diagnose(evidence)` assesses a run. Evidence is collected live (`EvidenceBuilder`) or read from a run folder
(`evidence_of`). Both give the same tables, and the same rules apply. `FindingTracker` follows the findings of a live
run.
"""

from rlvitals.diagnosis.diagnose import Diagnosis, SkippedRule, diagnose
from rlvitals.diagnosis.evidence import Context, Evidence
from rlvitals.diagnosis.evidence_builder import EvidenceBuilder
from rlvitals.diagnosis.finding import CRITICAL, INFO, RANK, WARNING, Finding
from rlvitals.diagnosis.finding_tracker import FindingChange, FindingTracker
from rlvitals.diagnosis.folder_evidence import collected, context_from, context_of, evidence_of
from rlvitals.diagnosis.health import Deduction, Health
from rlvitals.diagnosis.hyperparameters import Hyperparameters, hyperparameters_of

__all__ = [
    "CRITICAL",
    "INFO",
    "RANK",
    "WARNING",
    "Context",
    "Deduction",
    "Diagnosis",
    "Evidence",
    "EvidenceBuilder",
    "Finding",
    "FindingChange",
    "FindingTracker",
    "Health",
    "Hyperparameters",
    "SkippedRule",
    "collected",
    "context_from",
    "context_of",
    "diagnose",
    "evidence_of",
    "hyperparameters_of",
]
