"""`rlvitals report [RUN] -o report.html`: a report of a run, or a digest of a folder of runs."""

import re
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, open_named, run_argument
from rlvitals.cli.written_files import print_written
from rlvitals.outputs.report_output import written_report
from rlvitals.render.report_writer import write_digest, write_report
from rlvitals.render.terminal import print_json
from rlvitals.runs.named_runs import folder_named

_UNITS = {"h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([hdw])")
_DIGEST = Path("digest.html")
_LONGEST_S = 1e10

Name = Annotated[
    str | None,
    run_argument("Run folder, run name or pattern. Default: the newest run. With --since, a folder of runs."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", help="Output file: .html, .md, .pdf or .png. Default: report.html in the run's artifacts."
    ),
]
Since = Annotated[
    str | None, typer.Option(help="Write a digest of the runs active in this period: 12h, 1d, 1w.", metavar="PERIOD")
]
Parameters = Annotated[
    bool | None,
    typer.Option(
        "--parameters/--no-parameters", help="Analyse the explored parameters. Default: only if that is fast."
    ),
]
Figures = Annotated[
    bool,
    typer.Option(
        "--figures/--no-figures", help="Markdown only: write curves as SVG files next to the report, or as sparklines."
    ),
]


def report(
    run: Name = None,
    *,
    output: Output = None,
    since: Since = None,
    parameters: Parameters = None,
    figures: Figures = True,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Write a report of a run as one file.

    The extension of the output file selects the format. An existing file is replaced once the new report is complete.
    """
    if since is None:
        written = write_report(open_named(run, folder), output, parameters=parameters, figures=figures)
        document = written_report(written, "report")
    else:
        age = age_of(since)
        if parameters is not None:
            raise typer.BadParameter(
                "a digest has no parameter analysis; use this option without --since", param_hint="--parameters"
            )
        where = folder if run is None else folder_named(run, folder)
        written = write_digest(where, age, output or _DIGEST, figures=figures)
        document = written_report(written, "digest")
    if as_json:
        print_json(document)
    else:
        print_written(written)


def age_of(text: str) -> float:
    """Parse a period: `12h`, `1d`, `2w`.

    Returns:
        Seconds.

    Raises:
        typer.BadParameter: The text is not a period.
    """
    found = _AGE.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0.0 < seconds < _LONGEST_S:
        raise typer.BadParameter(f"{text!r} is not a period: write 12h, 1d or 1w", param_hint="--since")
    return seconds
