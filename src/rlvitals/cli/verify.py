"""`rlvitals verify [RUN]...`: check of every record and checksum, with repairs that lose no data."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from rlvitals.cli.error_output import EXIT_ERROR, EXIT_FINDINGS, print_error
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, open_named, run_argument
from rlvitals.comparison.result import Refusal
from rlvitals.errors import RunError
from rlvitals.formatting import count, counted
from rlvitals.outputs.verify_output import VerifiedRuns
from rlvitals.render.terminal import BAD, STYLES, TITLE, make_screen, print_json
from rlvitals.runs.named_runs import runs_named
from rlvitals.runs.verified_run import VerifiedRun, verified
from rlvitals.text_escaping import escape_control

Names = Annotated[
    list[str] | None,
    run_argument("Run folders, run names, patterns or folders of runs. Default: the newest run."),
]
Mend = Annotated[bool, typer.Option("--mend/--check", help="Repair truncated stream files, or only report them.")]


def verify(runs: Names = None, *, mend: Mend = True, folder: Folder = LOGS, as_json: AsJson = False) -> None:
    """Check all records of runs and repair truncated files.

    Every record is read and every checksum compared. A kill or a power cut can leave an incomplete last line. It is
    removed and kept in a separate file. A run that is being written is not changed. The exit code is 1 if a fault
    remains, and 2 if a run cannot be opened.
    """
    opened, refused = runs_named(runs, folder) if runs else ([open_named(None, folder)], [])
    found: list[VerifiedRun] = []
    screen = make_screen()
    for run in opened:
        try:
            with make_screen(to_stderr=True).status(f"reading {escape_control(str(run.path))}"):
                found.append(verified(run, mending=mend))
        except RunError as error:
            refused.append((str(run.path), error))
            continue
        if not as_json:
            _print(screen, run.path, found[-1])
    if as_json:
        print_json(VerifiedRuns(found, [Refusal(path, str(reason)) for path, reason in refused]))
    for _, reason in refused:
        print_error(reason)
    if refused:
        raise typer.Exit(EXIT_ERROR)
    if not all(run.sound for run in found):
        raise typer.Exit(EXIT_FINDINGS)


def _print(screen: Console, path: Path, found: VerifiedRun) -> None:
    verdict = Text("sound", STYLES["running"]) if found.sound else Text("unsound", BAD)
    parts = ", ".join(f"{stream} {count(of)}" for stream, of in found.counts.items() if of)
    records = f"  {counted(sum(found.counts.values()), 'record')}" + (f": {parts}" if parts else "")
    live = "  (being written: nothing was repaired)" if found.live else ""
    old = f"  ({counted(found.unchecked, 'segment')} without a checksum)" if found.unchecked else ""
    title = (escape_control(str(path)), TITLE)
    screen.print(Text.assemble(title, "  ", verdict, records, old, (live, STYLES["warning"])))
    for fault in found.faults:
        mended = Text("repaired", STYLES["warning"]) if fault.mended else Text("not repaired", BAD)
        where = f"  {fault.code}  {escape_control(fault.path)}: {escape_control(fault.message)}"
        screen.print(Text.assemble("  ", mended, where))
