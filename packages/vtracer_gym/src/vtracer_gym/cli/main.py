"""Entry point of ``vtracer-gym``: imports the command's module and reports errors in one line."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final, cast

import typer
from typer.core import TyperCommand, TyperGroup

from vtracer_gym.errors import VtracerGymError

COMMANDS: Final = ("trace", "train", "evaluate", "demo")
"""Commands in the order of the help. Each is a function in the module of its name, which is imported on demand, because
training loads torch, and tracing does not need it."""

USAGE_ERROR: Final = 2


class _OnDemand(TyperGroup):
    """Command group that imports only the requested command."""

    def list_commands(self, _: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: object, cmd_name: str) -> TyperCommand | None:
        if cmd_name not in COMMANDS:
            return None
        function = getattr(import_module(f"vtracer_gym.cli.{cmd_name}"), cmd_name)
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command(cmd_name)(function)
        return cast("TyperCommand", typer.main.get_command(single))


app = typer.Typer(
    cls=_OnDemand,
    help="Turn logos into small SVGs that look right, and train the agent that chooses the settings.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help needs no further imports
    pretty_exceptions_enable=False,
)


@app.callback()
def _program() -> None:
    """Turn logos into small SVGs that look right, and train the agent that chooses the settings."""


def main() -> None:
    """Run a command. Errors that the user can fix are printed on one line, with exit code 2."""
    try:
        app()
    except (VtracerGymError, ValueError, OSError) as error:
        typer.echo(f"{typer.style('error:', fg='red', bold=True)} {_plain(error)}", err=True)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(130)


def _plain(error: BaseException) -> str:
    return f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.filename else str(error)
