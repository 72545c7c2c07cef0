"""`rlvitals import PATH...`: import of logs of other programs and of rlvitals exports."""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.error_output import EXIT_ERROR, print_error
from rlvitals.cli.progress_bar import shown_progress
from rlvitals.cli.run_arguments import LOGS, AsJson, formats_option
from rlvitals.comparison.result import Refusal
from rlvitals.errors import ImportFormatError, RlvitalsError
from rlvitals.formats.importers import import_run, importer_names
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.formats.importers.run_import import run_name, trainings_in
from rlvitals.formatting import count
from rlvitals.outputs.import_output import ImportedRun, ImportedRuns
from rlvitals.records import STREAMS
from rlvitals.render.terminal import TITLE, make_screen, print_json
from rlvitals.runs import Run
from rlvitals.text_escaping import escape_control

Paths = Annotated[
    list[Path],
    typer.Argument(
        help="Log files, log folders, or folders of several trainings; each training becomes one run.", metavar="PATH"
    ),
]
Into = Annotated[Path, typer.Option("--folder", help="Create the runs in this folder.")]
Name = Annotated[str | None, typer.Option("--name", help="Name the run. Default: the original name.")]
Format = Annotated[
    str | None, typer.Option("--format", help="Read this format. Default: detect the format from the contents.")
]
Formats = Annotated[bool, formats_option(importer_names)]


def import_(
    paths: Paths,
    *,
    folder: Into = LOGS,
    name: Name = None,
    format_: Format = None,
    formats: Formats = False,
    as_json: AsJson = False,
) -> None:
    """Import logs of other programs as runs.

    To import several files of one training as one run, give their folder. In a folder of trainings, each training
    becomes a run named after its relative path. A run appears once it is complete. If a training cannot be imported,
    the remaining ones are still imported and the exit code is 2.
    """
    del formats
    trainings = list(_named(paths, format_))
    if name is not None and len(trainings) > 1:
        raise ImportFormatError(
            f"--name {name} names one run, but {len(trainings)} trainings were found. Import each of them separately"
        )
    made: list[ImportedRun] = []
    refused: list[Refusal] = []
    screen = make_screen()
    for path, called in trainings:
        try:
            with shown_progress(f"importing {escape_control(str(path))}") as progress:
                count_records = functools.partial(progress, total=None)
                run = import_run(path, folder, name=name or called, format=format_, progress=count_records)
        except RlvitalsError as error:
            refused.append(Refusal(str(path), str(error)))
            continue
        counts = _counts(run)
        warnings = import_warnings(run.records("events"))
        made.append(
            ImportedRun(
                run_id=run.run_id,
                path=str(run.path.absolute()),
                origin=str(path),
                records=counts,
                warnings=warnings,
            )
        )
        if not as_json:
            named = ((of, stream.removesuffix("s") if of == 1 else stream) for stream, of in counts.items() if of)
            records = ", ".join(f"{count(of)} {name}" for of, name in named) or "no records"
            screen.print(escape_control(str(run.path)), end="  ", style=TITLE)
            screen.print(records)
            for warning in warnings:
                print_error(f"warning: {warning}")
    if as_json:
        print_json(ImportedRuns(made, refused))
    for each in refused:
        print_error(each.reason)
    if refused:
        raise typer.Exit(EXIT_ERROR)


def _named(paths: Iterable[Path], chosen: str | None) -> Iterator[tuple[Path, str | None]]:
    """Yield each training at the paths, with a run name if its path holds several trainings."""
    for path in paths:
        trainings = [path] if chosen is not None else trainings_in(path)
        several = len(trainings) > 1
        yield from ((each, run_name(each, path) if several else None) for each in trainings)


def _counts(run: Run) -> dict[str, int]:
    return {stream: len(run.stream(stream, abandoned=True)) for stream in STREAMS}
