"""Entry point `rlvitals COMMAND`: imports the command's module and reports errors in one line."""

import errno
import importlib
import sys
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from rlvitals import __version__
from rlvitals.cli.error_output import EXIT_ERROR, print_error
from rlvitals.errors import RlvitalsError

COMMANDS = (
    "run",
    "ls",
    "show",
    "stats",
    "check",
    "compare",
    "watch",
    "tail",
    "ui",
    "report",
    "sql",
    "export",
    "import",
    "verify",
    "schema",
    "mcp",
)
"""Commands in the order of the help. Each is a function in the module of its name, which is imported on demand."""

_PLACES = {"import": ("import_", "import_"), "run": ("run_script", "run"), "schema": ("print_schema", "schema")}
"""Module and function of the commands whose name cannot be that of a module."""

# Plain help is fast and readable in a pipe.
_PLAIN: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": None}

_UsageError: Any = typer.BadParameter.__base__
"""Base class of all usage errors, for which Typer has no public name."""
_OF_THE_PARSER = "Value error, "


class _Command(TyperCommand):
    """A command that prints required arguments in its usage line as RUN instead of {RUN}.

    `run` leaves all words from the first argument on to the command that it runs.
    """

    def make_parser(self, ctx: Any) -> Any:
        """Return the parser of the command line."""
        ctx.allow_interspersed_args = self.name != "run"
        return super().make_parser(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]


class Commands(TyperGroup):
    """Command group that imports only the requested command, because some commands load large packages."""

    _names_only = False

    def list_commands(self, _: object) -> list[str]:
        """Return the names of the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _: object, cmd_name: str) -> TyperCommand | None:
        """Import and return a command, or `None` for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        if self._names_only:
            return _Command(cmd_name)
        place, function = _PLACES.get(cmd_name, (cmd_name, cmd_name))
        module = importlib.import_module(f"rlvitals.cli.{place}")
        command = typer.Typer(add_completion=False, **_PLAIN)
        command.command(cmd_name, cls=_Command)(getattr(module, function))
        return cast("TyperCommand", typer.main.get_command(command))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete the name of a command without importing a command."""
        self._names_only = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._names_only = False

    def make_context(self, info_name: str | None, args: list[str], *others: Any, **more: Any) -> Any:
        """Parse the options before the command and report usage errors in one line."""
        bare = not args
        try:
            return super().make_context(info_name, args, *others, **more)
        except _UsageError as error:
            if bare:  # no arguments: Typer shows the help
                raise
            message = _misuse(error)
        print_error(message)
        raise typer.Exit(EXIT_ERROR)

    def invoke(self, ctx: Any) -> Any:
        """Run a command and report errors in one line on standard error, without a traceback."""
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            message = _misuse(error)
        except RlvitalsError as error:
            message = str(error)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader closed the pipe
                raise
            message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print_error(message)
        raise typer.Exit(EXIT_ERROR)


def _misuse(error: Any) -> str:
    """Return the message of a usage error, with the help command to run."""
    message = error.format_message().replace(_OF_THE_PARSER, "").rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "rlvitals"
    return f"{message}. See `{command} --help`"


app = typer.Typer(cls=Commands, name="rlvitals", no_args_is_help=True, **_PLAIN)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rlvitals {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
]


@app.callback()
def _options(*, version: Version = False) -> None:
    """Vital signs for reinforcement-learning training."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal whose encoding lacks block characters gets question marks, not a traceback.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    app(prog_name="rlvitals")
