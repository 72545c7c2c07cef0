"""`rlvitals export [RUN] -o PATH`: export of a run for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.progress_bar import shown_progress
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, formats_option, open_named
from rlvitals.cli.written_files import print_written
from rlvitals.errors import ExportError, ExportExistsError
from rlvitals.formats.exporters import export_path, export_run, exporter_names, make_exporter
from rlvitals.formats.exporters.csv_exporter import CsvExporter
from rlvitals.formats.exporters.exporter_registry import format_of
from rlvitals.outputs.report_output import exported_run
from rlvitals.render.terminal import print_json
from rlvitals.text_escaping import escape_control

Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write to this path. Default: artifacts/exports in the run folder."),
]
Format = Annotated[
    str | None, typer.Option("--format", help="Write this format. Default: the format of the path's extension.")
]
Formats = Annotated[bool, formats_option(exporter_names)]
Streams = Annotated[
    list[str] | None, typer.Option("--stream", help="Export only this stream; repeat the option for more streams.")
]
Raw = Annotated[bool, typer.Option("--raw/--no-raw", help="Export the records, or only the header.")]
Abandoned = Annotated[bool, typer.Option("--abandoned", help="Also export branches that a rewind abandoned.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file or export folder.")]
Excel = Annotated[
    bool,
    typer.Option("--excel", help="CSV only: put an apostrophe before texts that a spreadsheet would read as formulas."),
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
    """Export a run to a file or folder for other programs.

    The path's extension selects the format, unless --format is given. The output appears once it is complete.
    """
    del formats
    opened = open_named(run, folder)
    path = output or export_path(opened, format_ or "json")
    chosen = format_ or format_of(path)
    if excel and chosen != "csv":
        raise ExportError(
            f"--excel is only for CSV, but {path} has the format {chosen}. Use --format csv, or omit --excel."
        )
    exporter = CsvExporter(excel=True) if excel else make_exporter(chosen)  # fails early if a package is missing
    try:
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
    except ExportExistsError as error:
        raise ExportError(f"{error} with --force") from None
    if as_json:
        print_json(exported_run(opened.run_id, written, chosen))
    else:
        print_written(written)
