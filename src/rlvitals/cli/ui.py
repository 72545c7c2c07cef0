"""`rlvitals ui [FOLDER]`: the dashboard of the runs in a folder, in a browser."""

import importlib
import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.run_arguments import LOGS, FolderArgument
from rlvitals.errors import MissingExtraError
from rlvitals.text_escaping import escape_control

_PORT = 8765
_LARGEST_PORT = 65_535


def ui(
    folder: FolderArgument = LOGS,
    *,
    port: Annotated[int, typer.Option(min=0, max=_LARGEST_PORT, help="The port; 0 for any that is free.")] = _PORT,
    host: Annotated[
        str, typer.Option(help="The address; one that other machines can reach needs the token that is printed.")
    ] = "127.0.0.1",
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Show the runs in a folder in a browser, live.

    It reads run folders only: before, while and after they are written, also on another machine that shares the disk.
    The token of an address that other machines can reach may be set by the variable RLVITALS_UI_TOKEN.
    """
    try:
        server = importlib.import_module("rlvitals.dashboard.server")
    except ModuleNotFoundError as error:
        raise MissingExtraError("the dashboard", extra="ui", module=error.name or "fastapi") from None
    place = server.take_place(host, port, token=os.environ.get(server.TOKEN_VARIABLE) or None)
    typer.echo(f"the runs in {folder} are shown at {place.address}  (Ctrl-C ends it)")
    if missing := warning_of(folder):
        typer.echo(missing, err=True)
    if open_page:
        webbrowser.open(place.address)
    server.serve(folder, place)


def warning_of(folder: Path) -> str:
    """What should be known of the folder of runs: it may begin after the dashboard, or be misspelled. Else empty."""
    return (
        ""
        if folder.is_dir()
        else f"there is no folder {escape_control(str(folder))} yet: its runs are shown when they come"
    )
