"""`rlvitals verify [RUN]...`: reads every record, compares checksums, and mends what loses nothing by it."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from rlvitals.cli.error_output import TROUBLE, print_error
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, complete_run, open_all, open_named
from rlvitals.errors import RunError
from rlvitals.formatting import count
from rlvitals.render.terminal import BAD, STYLES, TITLE, make_screen, print_json
from rlvitals.runs import Run, verification
from rlvitals.summary.status import OPEN
from rlvitals.text_escaping import escape_control

UNSOUND = 1
"""Exit code when a run is not sound."""


class FaultEntry(msgspec.Struct, frozen=True):
    """One thing wrong with a run folder."""

    code: str
    path: str
    message: str
    mended: bool


class VerifiedRun(msgspec.Struct, frozen=True):
    """What a check of one run found.

    Attributes:
        sound: Whether nothing is wrong, or everything that was has been mended.
        live: Whether it is being written, so that nothing was mended.
        counts: Records that can be read, by stream.
        unchecked: Sealed segments without a checksum, which releases before checksums wrote.
    """

    run_id: str
    path: str
    sound: bool
    live: bool
    counts: dict[str, int]
    unchecked: int
    faults: list[FaultEntry]


Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Runs by folder, name or pattern, or folders of runs. Default: the newest run.",
        metavar="RUN",
        show_default=False,
        autocompletion=complete_run,
    ),
]
Mend = Annotated[bool, typer.Option("--mend/--check", help="Mend torn ends, or only look.")]


def verify(runs: Names = None, *, mend: Mend = True, folder: Folder = LOGS, as_json: AsJson = False) -> None:
    """Read every record of runs, compare checksums, and mend torn ends.

    A torn end, left by a kill or a power cut, is cut off and kept aside; a run that is being written is left alone.
    The exit code is 1 if something is wrong that could not be mended, and 2 if a run could not be opened.
    """
    opened, refused = open_all(runs, folder) if runs else ([open_named(None, folder)], [])
    findings: list[VerifiedRun] = []
    screen = make_screen()
    for run in opened:
        try:
            with make_screen(to_stderr=True).status(f"reading {escape_control(str(run.path))}"):
                findings.append(checked(run, mending=mend))
        except RunError as error:
            refused.append((str(run.path), error))
            continue
        if not as_json:
            _print(screen, run, findings[-1])
    if as_json:
        print_json({"runs": findings, "refused": [{"path": path, "reason": str(reason)} for path, reason in refused]})
    for _, reason in refused:
        print_error(reason)
    if refused:
        raise typer.Exit(TROUBLE)
    if not all(finding.sound for finding in findings):
        raise typer.Exit(UNSOUND)


def checked(run: Run, *, mending: bool) -> VerifiedRun:
    """Check one run.

    Args:
        run: The run.
        mending: Whether to mend it, if nobody writes to it.

    Raises:
        RunError: It cannot be read, or not be mended.
    """
    try:
        verdict = verification.verify(run, mending=mending)
    except OSError as error:
        way_out = ": --check only looks" if mending else ""
        raise RunError(f"{error.filename or run.path}: {error.strerror or error}{way_out}") from None
    live = verdict.live or run.vitality().status in OPEN
    faults = [
        FaultEntry(fault.code, str(fault.path.relative_to(run.path)), fault.message, fault.mended)
        for fault in verdict.faults
        # The end of a live stream may be half a line, and a segment be lines and rows, for a moment: that is no fault.
        if not (live and fault.code in verification.PASSING)
    ]
    sound = all(fault.mended for fault in faults)
    return VerifiedRun(run.run_id, str(run.path.absolute()), sound, live, verdict.counts, verdict.unchecked, faults)


def _print(screen: Console, run: Run, finding: VerifiedRun) -> None:
    verdict = Text("sound", STYLES["running"]) if finding.sound else Text("unsound", BAD)
    parts = ", ".join(f"{stream} {count(of)}" for stream, of in finding.counts.items() if of)
    said = f"  {count(sum(finding.counts.values()))} records" + (f": {parts}" if parts else "")
    live = "  (being written: nothing was mended)" if finding.live else ""
    old = f"  ({count(finding.unchecked)} segments have no checksum)" if finding.unchecked else ""
    screen.print(
        Text.assemble((escape_control(str(run.path)), TITLE), "  ", verdict, said, old, (live, STYLES["warning"]))
    )
    for fault in finding.faults:
        mended = Text("mended", STYLES["warning"]) if fault.mended else Text("not mended", BAD)
        screen.print(
            Text.assemble(
                "  ", mended, f"  {fault.code}  {escape_control(fault.path)}: {escape_control(fault.message)}"
            )
        )
