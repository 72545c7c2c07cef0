"""`rlvitals check [RUN]`: what is wrong with a training, the likeliest cause first, and what to try."""

import contextlib
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.diagnosis import RANK, Diagnosis, FindingTracker, diagnose, evidence_of
from rlvitals.documents.document import FindingsBlock, Table
from rlvitals.documents.findings_section import basis, enabling, findings_section
from rlvitals.records.json_encoding import strict_json
from rlvitals.render.terminal import LABEL, TITLE, make_screen, print_json, status_text
from rlvitals.render.terminal_document import colored_health, print_blocks
from rlvitals.render.terminal_text import escape_control, format_time
from rlvitals.runs import Run
from rlvitals.summary.status import OPEN

UNWELL = 1
"""Exit code when there is a finding that is bad enough."""

_LOOK_S = 5.0
_SHARE = 20.0
"""A look takes at most this part of the time: one in twenty."""


class Severity(StrEnum):
    """How bad a finding is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


FailOn = Annotated[Severity, typer.Option("--fail-on", help="Exit with 1 for findings of this severity, or worse.")]
Watching = Annotated[bool, typer.Option("--watch", help="Look again while the run is open, and say what is new.")]


def check(
    run: RunName = None,
    *,
    fail_on: FailOn = Severity.CRITICAL,
    watch: Watching = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a training, and why.

    The exit code is 1 if there is a critical finding, so that a script or CI can ask.
    """
    opened = open_named(run, folder)
    if watch:
        last = _watched(opened, as_json=as_json)
    else:
        last = diagnose(evidence_of(opened))
        if as_json:
            print_json(document(opened.run_id, last))
        else:
            print_diagnosis(make_screen(), opened.run_id, last)
    if any(RANK[finding.severity] >= RANK[fail_on.value] for finding in last.findings):
        raise typer.Exit(UNWELL)


def document(run_id: str, diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as plain values, as `--json` prints it."""
    return {"run_id": run_id, **findings_json(diagnosis)}


def findings_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as plain values."""
    return {
        "status": diagnosis.status,
        "health_score": diagnosis.health_score,
        "judged": diagnosis.is_judged,
        "evidence": diagnosis.evidence_text,
        "env_step": diagnosis.env_step,
        "findings": msgspec.to_builtins(diagnosis.findings),
        "points_lost": msgspec.to_builtins(diagnosis.health.deductions),
        "inapplicable": list(diagnosis.inapplicable),
        "skipped_rules": {one.code: list(one.missing) for one in diagnosis.skipped_rules},
    }


def print_diagnosis(screen: Console, run_id: str, diagnosis: Diagnosis) -> None:
    """Print a diagnosis: its status and health, the findings, and what could not be judged."""
    line = Text.assemble((escape_control(run_id), TITLE), "  ", status_text(diagnosis.status))
    screen.print(line.append("  ").append_text(colored_health(diagnosis.health)) if diagnosis.is_judged else line)
    screen.print()
    section = findings_section(diagnosis, {})
    shown = [block for block in section.blocks if not isinstance(block, Table)]
    print_blocks(screen, (*shown[:1], *basis(diagnosis), *shown[1:], *enabling(diagnosis)))


def looks(run: Run, wait: Callable[[float], None]) -> Iterator[Diagnosis]:
    """A diagnosis of a run again and again, until it is over.

    Args:
        run: The run.
        wait: Waits so many seconds.
    """
    while True:
        # Asked before the look, so that what was recorded before the end is seen.
        over = run.vitality().status not in OPEN
        begun = SYSTEM_CLOCK.time()
        yield diagnose(evidence_of(run))
        if over:
            return
        wait(max(_LOOK_S, _SHARE * (SYSTEM_CLOCK.time() - begun)))


def _watched(run: Run, *, as_json: bool) -> Diagnosis:
    tracker, screen = FindingTracker(), make_screen()
    last: Diagnosis | None = None
    with contextlib.suppress(KeyboardInterrupt):
        for diagnosis in looks(run, time.sleep):
            change, first, last = tracker.update(diagnosis), last is None, diagnosis
            if as_json:
                if first or change.opened or change.closed:
                    typer.echo(strict_json(document(run.run_id, diagnosis)).decode())
                continue
            if first:
                print_diagnosis(screen, run.run_id, diagnosis)
                continue
            now = format_time(SYSTEM_CLOCK.time())[:19]
            for finding in change.opened:
                screen.print(Text.assemble("\n", (now, LABEL)))
                print_blocks(screen, (FindingsBlock((finding,), ()),))
            for finding in change.closed:
                screen.print(Text.assemble((now, LABEL), f"  {finding.code}: no longer seen"))
    return diagnose(evidence_of(run)) if last is None else last
