"""`rlvitals import PATH...`: import of logs of other programs and of rlvitals exports."""

import contextlib
import functools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.error_output import EXIT_ERROR, print_error
from rlvitals.cli.progress_bar import shown_progress
from rlvitals.cli.run_arguments import LOGS, AsJson, formats_option
from rlvitals.comparison.result import Refusal
from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import ImportedRun, importer_names
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.formats.importers.import_writing import Outcome, Progress
from rlvitals.formats.importers.mapped_table_importer import MappedTableImporter
from rlvitals.formats.importers.run_import import Imports, found_trainings
from rlvitals.formats.importers.training_search import TrainingSearch
from rlvitals.formatting import count, listed
from rlvitals.outputs.import_output import ImportedRuns, ImportedTraining
from rlvitals.records import STREAMS
from rlvitals.render.terminal import TITLE, make_screen, print_json
from rlvitals.text_escaping import escape_control

_OUTCOMES: dict[Outcome, str] = {"imported": "imported", "updated": "updated", "unchanged": "already imported"}
_SHOWN = 5
"""Number of failed trainings that the summary names."""

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
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="Read CSV or JSON Lines whose columns have these meanings: step=timesteps,reward=ret,length=len.",
    ),
]
Again = Annotated[
    bool, typer.Option("--again", help="Read trainings again that have not changed, for example after an upgrade.")
]
Formats = Annotated[bool, formats_option(importer_names)]


def import_(
    paths: Paths,
    *,
    folder: Into = LOGS,
    name: Name = None,
    format_: Format = None,
    columns: Columns = None,
    again: Again = False,
    formats: Formats = False,
    as_json: AsJson = False,
) -> None:
    """Import logs of other programs as runs.

    Each PATH is searched at any depth, and each training becomes a run. To import several files of one training as one
    run, give their folder. In a folder of trainings, a run is named after its relative path. A run appears once it is
    complete. Trainings that were imported before and have not changed are skipped, and the runs of those that have
    grown are replaced. If a training cannot be imported, the remaining ones are still imported and the exit code is 2.
    """
    del formats
    with shown_progress("searching folders") as progress:
        search = TrainingSearch(
            format_ if columns is None else _mapped(columns, format_), functools.partial(progress, total=None)
        )
        trainings = found_trainings(paths, search)
    if name is not None and len(trainings) > 1:
        raise ImportFormatError(
            f"--name {name} names one run, but {len(trainings)} trainings were found. Import each of them separately"
        )
    for message in search.unreadable:
        print_error(f"warning: {message}")
    done: list[ImportedRun] = []
    refused: list[Refusal] = []
    shown = functools.partial(_shown, total=len(trainings))
    for training in Imports(folder, again=again).trainings(trainings, name=name, shown=shown):
        done += training.runs
        if training.error is not None:
            refused.append(Refusal(str(training.path), str(training.error)))
        for run in () if as_json else training.runs:
            _print(run)
    if as_json:
        print_json(ImportedRuns([*map(_facts, done)], refused, search.unreadable))
    for each in refused:
        print_error(each.reason)
    if len(trainings) > 1 and not as_json:
        make_screen().print(escape_control(_summary(done, [each.path for each in refused])), soft_wrap=True)
    if refused:
        raise typer.Exit(EXIT_ERROR)


def _mapped(columns: str, format_: str | None) -> MappedTableImporter:
    """Return an importer for the columns in an option such as `step=timesteps,reward=ret`."""
    pairs = [pair.partition("=") for pair in columns.split(",")]
    if wrong := ["".join(pair) for pair in pairs if not (pair[0].strip() and pair[2].strip())]:
        raise ImportFormatError(
            f"--columns has {wrong[0]!r}; expected FIELD=COLUMN, such as --columns step=timesteps,reward=ret"
        )
    if format_ is not None:
        raise ImportFormatError(f"--columns cannot be used with --format {format_}. Leave one of them out")
    return MappedTableImporter({field.strip(): column.strip() for field, _, column in pairs})


@contextlib.contextmanager
def _shown(number: int, path: Path, *, total: int) -> Iterator[Progress]:
    """Show the progress of one of several trainings."""
    place = f"{number} of {total}: " if total > 1 else ""
    with shown_progress(f"importing {place}{escape_control(str(path))}") as progress:
        yield functools.partial(progress, total=None)


def _print(done: ImportedRun) -> None:
    """Print a line about a run and its warnings, unless it has not changed."""
    screen = make_screen()
    screen.print(escape_control(str(done.run.path)), end="  ", style=TITLE)
    if done.outcome == "unchanged":
        screen.print(_OUTCOMES[done.outcome])
        return
    counts = [(done.records.get(stream, 0), stream) for stream in STREAMS]
    named = [(of, stream.removesuffix("s") if of == 1 else stream) for of, stream in counts if of]
    records = ", ".join(f"{count(of)} {name}" for of, name in named) or "no records"
    screen.print(records + (f" ({_OUTCOMES[done.outcome]})" if done.outcome == "updated" else ""))
    for message in import_warnings(done.run.records("events")):
        print_error(f"warning: {message}")


def _summary(done: list[ImportedRun], failed: list[str]) -> str:
    """Return the number of runs by outcome, with the paths of the trainings that failed: `3 imported, 1 failed: a`."""
    of = Counter(run.outcome for run in done)
    parts = [f"{count(of[outcome])} {text}" for outcome, text in _OUTCOMES.items() if of[outcome]]
    if failed:
        parts.append(f"{count(len(failed))} failed: {listed(failed, _SHOWN)}")
    return ", ".join(parts)


def _facts(done: ImportedRun) -> ImportedTraining:
    return ImportedTraining(
        run_id=done.run.run_id,
        path=str(done.run.path.absolute()),
        origin=str(done.path),
        outcome=done.outcome,
        records={stream: done.records.get(stream, 0) for stream in STREAMS},
        warnings=import_warnings(done.run.records("events")),
    )
