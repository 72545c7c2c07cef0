"""`rlvitals report [RUN] -o report.html`: a report of a run, or a digest of a folder of runs."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, complete_run, folder_named, open_named
from rlvitals.formatting import count
from rlvitals.render.report_writer import write_digest, write_report
from rlvitals.render.terminal import TITLE, make_screen, print_json
from rlvitals.text_escaping import escape_control

_UNITS = {"h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([hdw])")
_DIGEST = Path("digest.html")
_LONGEST_S = 1e10

Name = Annotated[
    str | None,
    typer.Argument(
        help="A run's folder, its name or a pattern. Default: the newest run. With --since, a folder of runs.",
        metavar="RUN",
        show_default=False,
        autocompletion=complete_run,
    ),
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
        "--parameters/--no-parameters",
        help="Analyse the parameters tried. Default: only if that is fast.",
        show_default=False,
    ),
]
Figures = Annotated[
    bool,
    typer.Option(
        "--figures/--no-figures",
        help="Markdown only: write curves as SVG files next to it, or as sparklines.",
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
        opened = open_named(run, folder)
        written = write_report(opened, output, parameters=parameters, figures=figures)
        kind = "report"
    else:
        age = age_of(since)
        if parameters is not None:
            raise typer.BadParameter("a digest has no analysis of parameters", param_hint="--parameters")
        written = write_digest(folder_named(run, folder), age, output or _DIGEST, figures=figures)
        kind = "digest"
    size = written.stat().st_size
    if as_json:
        print_json({"kind": kind, "path": str(written.absolute()), "bytes": size})
        return
    print_written(make_screen(), written)


def print_written(screen: Console, path: Path) -> None:
    """Print the path of a report and its size."""
    screen.print(escape_control(str(path)), end="  ", style=TITLE)
    screen.print(f"{count(path.stat().st_size)} bytes")


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
