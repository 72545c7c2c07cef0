"""`rlvitals show [RUN]`: how a run goes; with `--full` all that its report holds."""

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
"""What the JSON document holds of the header."""
_EVALUATIONS, _EVENTS = 8, 10
"""The last records that the JSON document holds."""

Full = Annotated[bool, typer.Option("--full", help="Show every section and table of the report.")]
Window = Annotated[int | None, typer.Option(min=1, help="Only the last N episodes and updates, in full.", metavar="N")]
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
    """The whole summary, the overview in its top level, with the header, the findings and the last records."""
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
