"""Document of `rlvitals check --json`."""

from typing import Any

import msgspec

from rlvitals.diagnosis import Diagnosis
from rlvitals.diagnosis.printed_diagnosis import PrintedDiagnosis
from rlvitals.outputs.flat_struct import flat, flattened
from rlvitals.runs import Run


class _Checked(msgspec.Struct, frozen=True):
    """Run that was diagnosed.

    Attributes:
        run_id: Name of the run.
    """

    run_id: str


CheckedRun = flat("CheckedRun", "Diagnosis of a run.", _Checked, PrintedDiagnosis)


def checked_run(run: Run, diagnosis: Diagnosis) -> Any:
    """Return the diagnosis of a run with its name."""
    return flattened(CheckedRun, {"run_id": run.run_id}, diagnosis.printed())
