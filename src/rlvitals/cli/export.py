"""`rlvitals export [RUN] -o PATH`: a run, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.progress_bar import shown_progress
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, formats_option, open_named
from rlvitals.cli.written_files import print_written, written_facts
from rlvitals.errors import ExportError
from rlvitals.formats.exporters import export_path, export_run, exporter_names, make_exporter
from rlvitals.formats.exporters.csv_exporter import CsvExporter
from rlvitals.formats.exporters.exporter_registry import format_of
from rlvitals.render.terminal import print_json
from rlvitals.text_escaping import escape_control

Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Where to; by default in the run's own artifacts/exports.")
]
Format = Annotated[str | None, typer.Option("--format", help="The format, where the path's ending does not say it.")]
Formats = Annotated[bool, formats_option(exporter_names)]
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
    if as_json:
        print_json({"run_id": opened.run_id, **written_facts(written), "format": chosen})
    else:
        print_written(written)
