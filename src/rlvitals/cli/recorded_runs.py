"""The last line of `rlvitals run`: which runs were recorded, or why there is none."""

from pathlib import Path

import typer

from rlvitals.autologging.child_process import ProcessReport
from rlvitals.cli.error_output import print_error
from rlvitals.formatting import counted, listed
from rlvitals.outputs.run_output import AttachedRun, AttachedRuns
from rlvitals.records.json_encoding import strict_json
from rlvitals.runs import Run
from rlvitals.summary.overview import Overview, overview_of

_MOST_NAMED = 4


def print_recorded(reported: ProcessReport, folder: Path, *, as_json: bool) -> None:
    """Print what was recorded, in one line on standard error.

    Args:
        reported: Report of the processes.
        folder: Folder of runs.
        as_json: Whether to print JSON.
    """
    found = {path: _overview(path) for path in reported.runs}
    if as_json:
        runs = [AttachedRun(str(path), attached, found[path]) for path, attached in reported.runs.items()]
        typer.echo(strict_json(AttachedRuns(runs, reported.reason)).decode(), err=True)
    elif len(found) == 1:
        ((path, overview),) = found.items()
        by = listed(reported.runs[path]) or "by the program itself"
        print_error(f"recorded {_shown(path)} ({by}){_facts(overview)}")
    else:
        named = listed([_shown(path) for path in found], _MOST_NAMED)
        print_error(f"recorded {counted(len(found), 'run')}: {named}. Run `rlvitals ls {_shown(folder)}`")


def _overview(path: Path) -> Overview | None:
    try:
        return overview_of(Run(path))
    except Exception:  # noqa: BLE001 - the line names the run, and the next command that reads it reports the error
        return None


def _facts(overview: Overview | None) -> str:
    if overview is None:
        return ""
    unit = "trial" if overview.is_study else "episode"
    counts = [counted(many, what) for many, what in ((overview.episodes, unit), (overview.updates, "update")) if many]
    facts = ", ".join(filter(None, [overview.state.status, listed(counts)]))
    verdict = "" if overview.verdict is None else f". {overview.verdict.title}"
    return f": {facts}{verdict}. Run `rlvitals show {_shown(Path(overview.state.path))}`"


def _shown(path: Path) -> str:
    try:
        here = Path.cwd()
    except OSError:  # the program has removed its working directory
        return str(path)
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
