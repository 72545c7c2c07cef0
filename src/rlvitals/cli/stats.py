"""`rlvitals stats [RUN]`: alias of `rlvitals show [RUN] --full`."""

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName
from rlvitals.cli.show import Parameters, Window, show


def stats(
    run: RunName = None,
    *,
    window: Window = None,
    parameters: Parameters = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Show the full report of a run, with every table."""
    show(run, full=True, window=window, parameters=parameters, folder=folder, as_json=as_json)
