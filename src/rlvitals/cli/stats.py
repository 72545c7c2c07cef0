"""`rlvitals stats [RUN]`: the numbers of a run, and what may be concluded from them."""

from typing import Annotated

import typer

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.render.terminal import make_screen, print_json
from rlvitals.render.terminal_summary import print_summary
from rlvitals.summary.run_summary import summarise


def stats(
    run: RunName = None,
    *,
    window: Annotated[
        int | None, typer.Option(min=1, help="Only the last so many episodes and updates.", show_default=False)
    ] = None,
    parameters: Annotated[bool, typer.Option("--parameters", help="Look into the parameters tried, too.")] = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Say what a run comes to, in numbers that can be trusted.

    Intervals are of 95 % and hold under autocorrelation; where there is too little data for one there is none.
    """
    found = summarise(open_named(run, folder), window=window, exploration=parameters)
    if as_json:
        print_json(found)
    else:
        print_summary(make_screen(), found)
