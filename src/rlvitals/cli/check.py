"""`rlvitals check [RUN]`: diagnosis of a run, with the most likely cause first and advice for each finding."""

import contextlib
import time
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from rlvitals.cli.error_output import EXIT_FINDINGS
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.clock import SYSTEM_CLOCK, pause_after
from rlvitals.diagnosis import RANK, Diagnosis, FindingTracker, diagnose, evidence_of
from rlvitals.documents.document import FindingsBlock, Table
from rlvitals.documents.findings_section import basis, enabling, findings_section
from rlvitals.formatting import format_time
from rlvitals.outputs.check_output import checked_run
from rlvitals.records.json_encoding import strict_json
from rlvitals.render.terminal import LABEL, TITLE, make_screen, print_json, status_text
from rlvitals.render.terminal_document import colored_health, print_blocks
from rlvitals.runs import Run
from rlvitals.runs.follower import polled
from rlvitals.text_escaping import escape_control

_LEAST_WAIT_S = 5.0

Severity = Literal["info", "warning", "critical"]
FailOn = Annotated[
    Severity, typer.Option("--fail-on", help="Exit with code 1 if a finding has this severity or a higher one.")
]
Watching = Annotated[
    bool, typer.Option("--watch", help="Repeat the check while the run is open, and print what changed.")
]


def check(
    run: RunName = None,
    *,
    fail_on: FailOn = "critical",
    watch: Watching = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Diagnose a run and advise what to try.

    The exit code is 1 if there is a critical finding, so that scripts and CI can test for it. The --fail-on option
    selects another severity.
    """
    opened = open_named(run, folder)
    if watch:
        last = _watch(opened, as_json=as_json)
    else:
        last = diagnose(evidence_of(opened))
        if as_json:
            print_json(checked_run(opened, last))
        else:
            _print_diagnosis(make_screen(), opened, last)
    if any(RANK[finding.severity] >= RANK[fail_on] for finding in last.findings):
        raise typer.Exit(EXIT_FINDINGS)


def _wait(took: float) -> None:
    time.sleep(pause_after(took, least_s=_LEAST_WAIT_S))


def _print_diagnosis(screen: Console, run: Run, diagnosis: Diagnosis) -> None:
    line = Text.assemble((escape_control(run.run_id), TITLE), "  ", status_text(diagnosis.status))
    screen.print(line.append("  ").append_text(colored_health(diagnosis.health)) if diagnosis.is_judged else line)
    screen.print()
    section = findings_section(diagnosis, {})
    shown = [block for block in section.blocks if not isinstance(block, Table)]
    print_blocks(screen, (*shown[:1], *basis(diagnosis), *shown[1:], *enabling(diagnosis)))


def _watch(run: Run, *, as_json: bool) -> Diagnosis:
    """Print the diagnosis, then each change to the findings while the run is open. Return the last diagnosis."""
    tracker, screen = FindingTracker(), make_screen()
    last: Diagnosis | None = None
    with contextlib.suppress(KeyboardInterrupt):
        for diagnosis in polled(run, lambda: diagnose(evidence_of(run)), _wait):
            change, is_first, last = tracker.update(diagnosis), last is None, diagnosis
            if as_json:
                if is_first or change.opened or change.closed:
                    typer.echo(strict_json(checked_run(run, diagnosis)).decode())
            elif is_first:
                _print_diagnosis(screen, run, diagnosis)
            else:
                now = format_time(SYSTEM_CLOCK.time())[:19]
                for finding in change.opened:
                    screen.print(Text.assemble("\n", (now, LABEL)))
                    print_blocks(screen, (FindingsBlock((finding,), ()),))
                for finding in change.closed:
                    screen.print(Text.assemble((now, LABEL), f"  {finding.code}: no longer seen"))
    return last or diagnose(evidence_of(run))
