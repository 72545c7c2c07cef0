"""`rlvitals show [RUN]`: how a run goes; with `--full` all that its report holds."""

from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from rlvitals.cli.check import findings_json
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.documents.document import brief_of
from rlvitals.documents.run_curves import courses_of
from rlvitals.documents.run_data import RunData, run_data
from rlvitals.documents.run_report import document_of
from rlvitals.render.terminal import LABEL, make_screen, print_json
from rlvitals.render.terminal_document import print_document
from rlvitals.render.terminal_text import escape_control

_HEADER = ("tags", "goals", "configuration", "reproduction", "writers", "failure")
"""What the JSON document holds of the header."""
_EVALUATIONS, _EVENTS = 8, 10
"""The last records that the JSON document holds."""

Full = Annotated[bool, typer.Option("--full", help="Show every section and table of the report.")]
Window = Annotated[
    int | None,
    typer.Option(min=1, help="Only the last N episodes and updates, in full.", metavar="N", show_default=False),
]
Parameters = Annotated[bool, typer.Option("--parameters", help="Analyse the parameters that were tried.")]


def show(
    run: RunName = None,
    *,
    full: Full = False,
    window: Window = None,
    parameters: Parameters = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Show how a run goes, the answer first.

    Means ignore values that are not finite, and report how many there are. Intervals are 95 % intervals.
    """
    opened = open_named(run, folder)
    account = run_data(opened, parameters=parameters, window=window)
    if as_json:
        print_json(_json(account))
        return
    screen = make_screen()
    document = document_of(account)
    about = ", ".join(filter(None, (account.header.project, *account.header.tags)))
    document = document._replace(kind=about)
    is_full = full or window is not None
    print_document(screen, document if is_full else brief_of(document))
    if not is_full:
        screen.print()
        screen.print(
            Text(
                f"More: rlvitals show {escape_control(run or account.header.run_id)} --full, or check, watch, report.",
                LABEL,
            )
        )


def _json(account: RunData) -> dict[str, Any]:
    """The whole summary, the overview in its top level, with the header, the findings and the last records."""
    header, summary = msgspec.to_builtins(account.header), msgspec.to_builtins(account.summary)
    overview = summary.pop("overview")
    return {
        **overview.pop("life"),
        **{name: header.get(name) for name in _HEADER},
        **overview,
        **summary,
        "algorithm": dict(account.algorithm),
        "diagnosis": findings_json(account.diagnosis),
        "evaluations_total": len(account.evaluations),
        "evaluations": account.evaluations[-_EVALUATIONS:],
        "events_total": len(account.events),
        "events": sorted(account.events[-_EVENTS:], key=lambda event: event.time),
        "curves": {name: list(curve.spark) for name, curve in courses_of(account.recorded).items()},
    }
