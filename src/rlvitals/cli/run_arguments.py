"""Arguments and options that several commands share."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from rlvitals.errors import RunFormatError
from rlvitals.render.terminal import LABEL, make_screen
from rlvitals.runs import Run
from rlvitals.runs.catalogue import run_folders
from rlvitals.runs.named_runs import newest_run, run_named
from rlvitals.runs.search import LOGS, places_of
from rlvitals.text_escaping import escape_control

__all__ = [
    "LOGS",
    "AsJson",
    "Folder",
    "FolderArgument",
    "RunName",
    "formats_option",
    "open_named",
    "run_argument",
    "warn_if_missing",
]

Folder = Annotated[Path, typer.Option("--folder", help="Search this folder for runs by name or pattern.")]
FolderArgument = Annotated[Path, typer.Argument(help="Folder of runs, searched with its subfolders.", metavar="FOLDER")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one strict JSON document.")]


def run_argument(text: str) -> Any:
    """Return an argument that takes run names, with shell completion.

    Args:
        text: Help text.
    """
    return typer.Argument(help=text, metavar="RUN", autocompletion=_complete_run)


def formats_option(names: Callable[[], Iterable[str]]) -> Any:
    """Return the option that prints the names of the formats and exits."""

    def print_names(wanted: bool) -> None:
        if wanted:
            typer.echo("\n".join(names()))
            raise typer.Exit

    return typer.Option("--formats", callback=print_names, is_eager=True, help="List the formats and exit.")


def warn_if_missing(folder: Path) -> None:
    """Print a warning on standard error if the folder of runs does not exist (yet)."""
    if not folder.is_dir():
        shown = escape_control(str(folder))
        typer.echo(f"Folder {shown} does not exist yet. Runs appear here when training creates them.", err=True)


def _complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a run in the folder of runs. The shell completes paths."""
    folder = Path(context.params.get("folder") or LOGS)
    if os.sep in incomplete or not folder.is_dir():
        return []
    return sorted({path.name for path in run_folders(folder) if path.name.startswith(incomplete)})


RunName = Annotated[
    str | None,
    run_argument("Run folder, run name, or a pattern that matches one run. Default: the newest run."),
]


def open_named(name: str | None, folder: Path) -> Run:
    """Open the run that the user named, or the newest run, whose path is then printed on standard error.

    Args:
        name: Path, name or pattern of the run; `None` for the newest run in the folder.
        folder: Folder of runs.

    Raises:
        RunNotFoundError: No run matches.
        RunFormatError: The folder is not a run, or several runs match the name or pattern.
    """
    if name is not None:
        try:
            return run_named(name, folder)
        except RunFormatError as error:
            raise RunFormatError(f"{error}{_advice(places_of(name, folder)[0])}") from None
    run = newest_run(folder)
    make_screen(to_stderr=True).print(Text(f"newest run: {escape_control(str(run.path))}", LABEL), soft_wrap=True)
    return run


def _advice(place: Path) -> str:
    """Return a sentence about logs of other programs in a folder without runs, or an empty text."""
    if not place.is_dir() or any(run_folders(place)):
        return ""
    from rlvitals.cli.importable_logs import import_advice  # noqa: PLC0415 - loads the importers

    advice = import_advice(place)
    return advice and f". {advice}"
