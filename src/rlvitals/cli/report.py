"""`rlvitals report [RUN] -o report.html`: a run, or the last days of a folder, to be read and kept."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, complete_run, folder_named, open_named
from rlvitals.render.report_writer import write_digest, write_report
from rlvitals.render.terminal import TITLE, make_screen, print_json
from rlvitals.render.terminal_text import count, escape_control

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
        "-o", "--output", help="Where to: .html, .md, .pdf or .png; by default report.html in the run's own artifacts."
    ),
]
Since = Annotated[
    str | None, typer.Option(help="A digest of the folder's runs of so long ago and since: 1d, 1w, 12h, ...")
]
Parameters = Annotated[
    bool | None,
    typer.Option(
        "--parameters/--no-parameters",
        help="Look into the parameters tried; by default if that takes a moment only.",
        show_default=False,
    ),
]
Figures = Annotated[
    bool,
    typer.Option(
        "--figures/--no-figures",
        help="With Markdown: curves as SVG files in a folder next to it, or as lines of text.",
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
    """Write a report of a run: one file to read, print and keep.

    It needs no network. The path's ending says the form; what is there is replaced, when the new report is whole.
    """
    if since is None:
        opened = open_named(run, folder)
        written = write_report(opened, output, parameters=parameters, figures=figures)
        kind = "report"
    else:
        age = age_of(since)
        if parameters is not None:
            raise typer.BadParameter("a digest does not look into parameters", param_hint="--parameters")
        written = write_digest(folder_named(run, folder), age, output or _DIGEST, figures=figures)
        kind = "digest"
    size = written.stat().st_size
    if as_json:
        print_json({"kind": kind, "path": str(written.absolute()), "bytes": size})
        return
    print_written(make_screen(), written)


def print_written(screen: Console, path: Path) -> None:
    """Print where a report is, and how large."""
    screen.print(escape_control(str(path)), end="  ", style=TITLE)
    screen.print(f"{count(path.stat().st_size)} bytes")


def age_of(text: str) -> float:
    """A length of time in seconds: `12h`, `1d`, `2w`.

    Raises:
        typer.BadParameter: It is none.
    """
    found = _AGE.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0.0 < seconds < _LONGEST_S:
        raise typer.BadParameter(f"{text!r} is no length of time: write 12h, 1d, 1w", param_hint="--since")
    return seconds
