"""Types of the documents that each command prints with `--json`."""

from typing import Any

from rlvitals.comparison import HistoryRank
from rlvitals.outputs.check_output import CheckedRun
from rlvitals.outputs.compare_output import ComparedRuns
from rlvitals.outputs.import_output import ImportedRuns
from rlvitals.outputs.json_schema import Schema, json_schema
from rlvitals.outputs.ls_output import ListedRuns
from rlvitals.outputs.report_output import ExportedRun, WrittenReport
from rlvitals.outputs.run_output import AttachedRuns
from rlvitals.outputs.show_output import ShownRun
from rlvitals.outputs.sql_output import QueryRows
from rlvitals.outputs.ui_output import ServedFolder
from rlvitals.outputs.verify_output import VerifiedRuns
from rlvitals.outputs.watch_output import WatchedRun
from rlvitals.records import STREAMS

OUTPUTS: dict[str, tuple[Any, ...]] = {
    "run": (AttachedRuns,),
    "ls": (ListedRuns,),
    "show": (ShownRun,),
    "stats": (ShownRun,),
    "check": (CheckedRun,),
    "compare": (ComparedRuns, HistoryRank),
    "watch": (WatchedRun,),
    "tail": tuple(STREAMS.values()),
    "ui": (ServedFolder,),
    "report": (WrittenReport,),
    "sql": (QueryRows,),
    "export": (ExportedRun,),
    "import": (ImportedRuns,),
    "verify": (VerifiedRuns,),
}
"""Types of a command's document. A document has one of them: a line of `tail` is a record of one of the streams."""


def output_schema(command: str) -> Schema:
    """Return the JSON Schema of a command's document.

    Args:
        command: Name of a command in `OUTPUTS`.
    """
    return {"title": f"rlvitals {command} --json", **json_schema(*OUTPUTS[command])}
