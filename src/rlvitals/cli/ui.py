"""`rlvitals ui [FOLDER]`: dashboard of the runs in a folder, in a browser."""

import contextlib
import importlib
import os
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.adapters.event_mirror import EventMirrors
from rlvitals.cli.run_arguments import LOGS, FolderArgument, warn_if_missing
from rlvitals.errors import MissingExtraError
from rlvitals.outputs.ui_output import ServedFolder
from rlvitals.recording.ticker import Ticker
from rlvitals.records.json_encoding import strict_json

_PORT = 8765
_POLL_S = 2.0
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

    The dashboard only reads the folder. Start it before, during or after training, also on another machine that shares
    the disk. Trainings that write TensorBoard's event files into the folder are shown as they grow. To set the token of
    an address that other machines can reach, set RLVITALS_UI_TOKEN.
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
    warn_if_missing(folder)
    if open_page:
        webbrowser.open(place.address)
    with _mirrored(folder) as mirrors:
        server.serve(folder, place, mirrors=mirrors)


@contextlib.contextmanager
def _mirrored(folder: Path) -> Iterator[Path]:
    """Yield a folder with live copies of the trainings with event files in a folder, if TensorBoard is installed."""
    with tempfile.TemporaryDirectory(prefix="rlvitals-ui-") as home:
        mirrors = EventMirrors(folder.absolute(), Path(home))
        ticker = Ticker(mirrors.poll, _POLL_S, "mirrors")
        try:
            yield Path(home)
        finally:
            ticker.stop()
            mirrors.close()
