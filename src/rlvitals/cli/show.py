"""`rlvitals show [RUN]`: summary of a run, or with `--full` the whole report."""

from typing import Annotated

import typer
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.documents.document import brief_of
from rlvitals.documents.run_data import run_data
from rlvitals.documents.run_report import run_document
from rlvitals.outputs.show_output import shown_run
from rlvitals.render.terminal import LABEL, make_screen, print_json
from rlvitals.render.terminal_document import print_document
from rlvitals.text_escaping import escape_control

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
        print_json(shown_run(data))
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
