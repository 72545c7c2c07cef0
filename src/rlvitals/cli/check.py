"""`rlvitals check [RUN]`: what is wrong with a training, the likeliest cause first, and what to try."""

import contextlib
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.diagnosis import RANK, Diagnosis, Finding, FindingTracker, diagnose, evidence_of
from rlvitals.diagnosis.missing_inputs import in_words
from rlvitals.documents.document import facts_text
from rlvitals.render.terminal import (
    LABEL,
    STYLES,
    TITLE,
    facts_grid,
    make_screen,
    print_json,
    readable_width,
    status_text,
    strict_json,
)
from rlvitals.render.terminal_text import count, escape_control, format_time, percent
from rlvitals.runs import Run
from rlvitals.summary.status import OPEN

UNWELL = 1
"""Exit code when there is a finding that is bad enough."""

_INDENT = 2
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
    return {
        "run_id": run_id,
        "status": diagnosis.status,
        "health_score": diagnosis.health_score,
        "judged": diagnosis.is_judged,
        "evidence": diagnosis.evidence_text,
        "env_step": diagnosis.env_step,
        "findings": msgspec.to_builtins(diagnosis.findings),
        "points_lost": msgspec.to_builtins(diagnosis.health.losses),
        "inapplicable": list(diagnosis.inapplicable),
        "unjudged": {one.code: list(one.missing) for one in diagnosis.unjudged},
    }


def print_diagnosis(screen: Console, run_id: str, diagnosis: Diagnosis) -> None:
    """Print a diagnosis: the verdict, the findings, where the points went, what could not be judged."""
    line = Text.assemble((escape_control(run_id), TITLE), "  ", status_text(diagnosis.status))
    if diagnosis.is_judged:
        line.append_text(Text.assemble("  health ", (f"{diagnosis.health_score} of 100", TITLE)))
    screen.print(line)
    for finding in diagnosis.findings:
        screen.print()
        _print_finding(screen, finding)
    if not diagnosis.is_judged:
        screen.print(f"Not judged yet: {escape_control(diagnosis.evidence_text)}.")
    elif not diagnosis.findings:
        screen.print(f"Nothing wrong was found, by {_of(len(diagnosis.judged), 'rule')}.")
    if diagnosis.reward_source:
        screen.print(f"The reward is the {escape_control(diagnosis.reward_source)}.")
    elif diagnosis.updates and not diagnosis.rewards:
        screen.print("No reward was recorded, so learning was not judged.")
    if diagnosis.is_judged and diagnosis.is_early:
        screen.print(f"Other faults may not show yet: {escape_control(diagnosis.evidence_text)}.")
    if diagnosis.inapplicable:
        rules = _of(len(diagnosis.inapplicable), "rule")
        screen.print(f"{rules} skipped: they do not apply to {diagnosis.family}.")
    if diagnosis.unjudged:
        screen.print()
        screen.print(Text(_unjudged(diagnosis), LABEL))


def _of(number_of: int, what: str) -> str:
    return f"{count(number_of)} {what}{'' if number_of == 1 else 's'}"


def _unjudged(diagnosis: Diagnosis) -> str:
    wanted = in_words(need for one in diagnosis.unjudged for need in one.missing)
    rules = _of(len(diagnosis.unjudged), "rule")
    return f"{rules} did not judge, for want of data (--json names them). They would with {wanted}."


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
                _print_finding(screen, finding)
            for finding in change.closed:
                screen.print(Text.assemble((now, LABEL), f"  {finding.code}: no longer seen"))
    return diagnose(evidence_of(run)) if last is None else last


def _print_finding(screen: Console, finding: Finding) -> None:
    since = "" if finding.since_step is None else f"  since step {count(finding.since_step)}"
    screen.print(
        Text.assemble(
            (finding.severity, STYLES.get(finding.severity, "")),
            "  ",
            (escape_control(finding.title), TITLE),
            (f"  {finding.code}{since}, {percent(finding.confidence)} sure", LABEL),
        )
    )
    grid = facts_grid((name, escape_control(said)) for name, said in _facts(finding) if said)
    if grid is not None:
        screen.print(Padding.indent(grid, _INDENT), width=readable_width(screen))


def _facts(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "cause", finding.cause
    yield "try", finding.advice
    yield "seen", facts_text(finding.evidence, finding.series)
    yield "look at", ", ".join(finding.series)
    yield "explains", ", ".join(f"{symptom.title} ({symptom.code})" for symptom in finding.symptoms)
    yield "source", finding.source
