"""`rlvitals show [RUN]`: summary of a run, or with `--full` the whole report."""

from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.documents.document import brief_of
from rlvitals.documents.run_curves import curves_of
from rlvitals.documents.run_data import RunData, run_data
from rlvitals.documents.run_report import run_document
from rlvitals.render.terminal import LABEL, make_screen, print_json
from rlvitals.render.terminal_document import print_document
from rlvitals.text_escaping import escape_control

_HEADER = ("tags", "goals", "configuration", "reproduction", "writers", "failure")
"""Fields of the run header in the JSON document."""
_EVALUATIONS, _EVENTS = 8, 10
"""Maximum numbers of the last evaluations and events in the JSON document."""

Full = Annotated[bool, typer.Option("--full", help="Show every section and table of the report.")]
Window = Annotated[
    int | None, typer.Option(min=1, help="Show the full report of the last N episodes and updates.", metavar="N")
]
Parameters = Annotated[bool, typer.Option("--parameters", help="Analyse the explored parameters.")]


def show(
    run: RunName = None,
    *,
    full: Full = False,
    window: Window = None,
    parameters: Parameters = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Summarise a run, verdict first.

    Means ignore non-finite values and report their number. Intervals are 95 % confidence intervals.
    """
    opened = open_named(run, folder)
    data = run_data(opened, parameters=parameters, window=window)
    if as_json:
        print_json(_json(data))
        return
    screen = make_screen()
    document = run_document(data)
    about = ", ".join(filter(None, (data.header.project, *data.header.tags)))
    document = document._replace(kind=about)
    is_full = full or window is not None
    print_document(screen, document if is_full else brief_of(document))
    if not is_full:
        screen.print()
        screen.print(
            Text(
                f"More: rlvitals show {escape_control(run or data.header.run_id)} --full, or check, watch, report.",
                LABEL,
            )
        )


def _json(data: RunData) -> dict[str, Any]:
    """Return the summary with the overview at the top level, the header, the findings and the last records."""
    header, summary = msgspec.to_builtins(data.header), msgspec.to_builtins(data.summary)
    overview = summary.pop("overview")
    return {
        **overview.pop("state"),
        **{name: header.get(name) for name in _HEADER},
        **overview,
        **summary,
        "algorithm": dict(data.algorithm),
        "diagnosis": data.diagnosis.to_dict(),
        "evaluations_total": len(data.evaluations),
        "evaluations": data.evaluations[-_EVALUATIONS:],
        "events_total": len(data.events),
        "events": sorted(data.events[-_EVENTS:], key=lambda event: event.time),
        "curves": {name: list(curve.spark) for name, curve in curves_of(data.recorded).items()},
    }
