"""`rlvitals ui [FOLDER]`: dashboard of the runs in a folder, in a browser."""

import importlib
import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.cli.run_arguments import LOGS, FolderArgument
from rlvitals.errors import MissingExtraError
from rlvitals.outputs.ui_output import ServedFolder
from rlvitals.records.json_encoding import strict_json
from rlvitals.text_escaping import escape_control

_PORT = 8765
_LARGEST_PORT = 65_535


def ui(
    folder: FolderArgument = LOGS,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=_LARGEST_PORT, help="Listen on this port; 0 selects a free port.")
    ] = _PORT,
    host: Annotated[
        str, typer.Option(help="Listen on this address; if other machines can reach it, the printed token is required.")
    ] = "127.0.0.1",
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as one line of strict JSON.")] = False,
) -> None:
    """Serve a live dashboard of the runs in a folder.

    The dashboard only reads run folders. Start it before, during or after training, also on another machine that
    shares the disk. To set the token of an address that other machines can reach, set RLVITALS_UI_TOKEN.
    """
    try:
        server = importlib.import_module("rlvitals.dashboard.server")
    except ModuleNotFoundError as error:
        raise MissingExtraError("the dashboard", extra="ui", module=error.name or "fastapi") from None
    place = server.take_place(host, port, token=os.environ.get(server.TOKEN_VARIABLE) or None)
    if as_json:
        typer.echo(strict_json(ServedFolder(str(folder), place.address)).decode())
    else:
        typer.echo(f"Showing the runs in {folder} at {place.address} (press Ctrl-C to stop)")
    if missing := warning_of(folder):
        typer.echo(missing, err=True)
    if open_page:
        webbrowser.open(place.address)
    server.serve(folder, place)


def warning_of(folder: Path) -> str:
    """Return a warning if the folder of runs does not exist (yet), otherwise an empty string."""
    return (
        ""
        if folder.is_dir()
        else f"Folder {escape_control(str(folder))} does not exist yet. Runs appear here when training creates them."
    )
