"""`rlvitals schema COMMAND`: JSON Schema of the document that a command prints with `--json`."""

from typing import Annotated

import typer

from rlvitals.outputs.command_outputs import OUTPUTS, output_schema
from rlvitals.render.terminal import print_json


def _complete_command(incomplete: str) -> list[str]:
    return [name for name in OUTPUTS if name.startswith(incomplete)]


def schema(
    command: Annotated[
        str,
        typer.Argument(help="Command whose output is described.", metavar="COMMAND", autocompletion=_complete_command),
    ],
) -> None:
    """Print the JSON Schema of the --json output of a command.

    The schema (draft 2020-12) describes every key. For tail, it describes one line.
    """
    if command not in OUTPUTS:
        raise typer.BadParameter(
            f"{command!r} has no JSON output: use one of {', '.join(OUTPUTS)}", param_hint="COMMAND"
        )
    print_json(output_schema(command))
