"""`rlvitals mcp`: server for coding agents, over the standard input and output."""

import importlib
from typing import Annotated

import typer

from rlvitals.agents.action_tools import ACTION_TOOLS
from rlvitals.agents.reading_tools import READING_TOOLS
from rlvitals.cli.run_arguments import LOGS, Folder, warn_if_missing
from rlvitals.errors import MissingExtraError

Allow = Annotated[
    bool,
    typer.Option(
        "--allow-actions",
        help="Also offer tools that change a live run: note, tag, checkpoint, learning rate, stop.",
    ),
]


def mcp(*, folder: Folder = LOGS, allow_actions: Allow = False) -> None:
    """Serve runs to coding agents over MCP.

    MCP is the Model Context Protocol. An agent starts this command and talks to it over standard input and output. Only
    the protocol is printed.
    """
    try:
        server = importlib.import_module("rlvitals.agents.mcp_server")
    except ModuleNotFoundError as error:
        raise MissingExtraError("the server for agents", extra="mcp", module=error.name or "mcp") from None
    warn_if_missing(folder)
    server.serve_stdio(folder, (*READING_TOOLS, *ACTION_TOOLS) if allow_actions else READING_TOOLS)
