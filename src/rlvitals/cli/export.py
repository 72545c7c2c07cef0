"""`rlvitals export [RUN] -o PATH`: a run, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.progress_bar import shown_progress
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.errors import ExportError
from rlvitals.formats.exporters import export_path, export_run, exporter_names, make_exporter
from rlvitals.formats.exporters.csv_exporter import CsvExporter
from rlvitals.formats.exporters.exporter_registry import format_of
from rlvitals.formatting import count
from rlvitals.render.terminal import TITLE, make_screen, print_json
from rlvitals.text_escaping import escape_control


def _list_formats(wanted: bool) -> None:
    if wanted:
        for name in exporter_names():
            typer.echo(name)
        raise typer.Exit


Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Where to; by default in the run's own artifacts/exports.")
]
Format = Annotated[str | None, typer.Option("--format", help="The format, where the path's ending does not say it.")]
Formats = Annotated[bool, typer.Option("--formats", callback=_list_formats, is_eager=True, help="List the formats.")]
Streams = Annotated[list[str] | None, typer.Option("--stream", help="Only this stream; may be given again.")]
Raw = Annotated[bool, typer.Option("--raw/--no-raw", help="With the records, or the header alone.")]
Abandoned = Annotated[bool, typer.Option("--abandoned", help="Also branches that a rewind left behind.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there: a file, or an export's folder.")]
Excel = Annotated[
    bool,
    typer.Option(
        "--excel", help="CSV whose texts no spreadsheet takes for formulas: an apostrophe is put before them."
    ),
]


def export(
    run: RunName = None,
    *,
    output: Output = None,
    format_: Format = None,
    stream: Streams = None,
    raw: Raw = True,
    abandoned: Abandoned = False,
    force: Force = False,
    excel: Excel = False,
    folder: Folder = LOGS,
    formats: Formats = False,
    as_json: AsJson = False,
) -> None:
    """Write a run to a file or a folder, for other programs.

    The path's ending says the format, or --format does. What is written appears when it is whole.
    """
    del formats
    opened = open_named(run, folder)
    path = output or export_path(opened, format_ or "json")
    chosen = format_ or format_of(path)
    if excel and chosen != "csv":
        raise ExportError(f"--excel is for CSV, and {path} is {chosen}. Give --format csv, or leave --excel out.")
    exporter = CsvExporter(excel=True) if excel else make_exporter(chosen)  # what is missing is said before all reading
    with shown_progress(f"exporting {escape_control(opened.run_id)}") as progress:
        written = export_run(
            opened,
            path,
            format=exporter,
            streams=stream or None,
            raw=raw,
            abandoned=abandoned,
            overwrite=force,
            progress=progress,
        )
    files = sorted(file for file in written.rglob("*") if file.is_file()) if written.is_dir() else [written]
    size = sum(file.stat().st_size for file in files)
    if as_json:
        print_json({"run_id": opened.run_id, "path": str(written.absolute()), "format": chosen, "bytes": size})
        return
    inside = f" in {count(len(files))} files" if written.is_dir() else ""
    screen = make_screen()
    screen.print(escape_control(str(written)), end="  ", style=TITLE)
    screen.print(f"{count(size)} bytes{inside}")
