"""`rlvitals COMMAND`: finds the command's file, and says what went wrong in one line."""

import errno
import importlib
import keyword
import sys
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from rlvitals import __version__
from rlvitals.cli.error_output import EXIT_ERROR, print_error
from rlvitals.errors import RlvitalsError

COMMANDS = (
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
)
"""Each is a function in the file of its name (`import_`, as Python has that word), imported when it is asked for."""

# Plain help is quick, and reads well in a pipe.
_PLAIN: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": None}

_UsageError: Any = typer.BadParameter.__base__
"""What all wrong words of a command line are; Typer has no public name for it."""
_OF_THE_PARSER = "Value error, "


class _Command(TyperCommand):
    """A command whose usage is written as everywhere: RUN, and not {RUN}."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]


class Commands(TyperGroup):
    """Imports the one command that is asked for: the others' databases and tables cost nothing."""

    _names_only = False

    def list_commands(self, _: object) -> list[str]:
        """The commands, in the order in which the help shows them."""
        return list(COMMANDS)

    def get_command(self, _: object, cmd_name: str) -> TyperCommand | None:
        """Import a command; `None` if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        if self._names_only:
            return _Command(cmd_name)
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"rlvitals.cli.{name}")
        command = typer.Typer(add_completion=False, **_PLAIN)
        command.command(cmd_name, cls=_Command)(getattr(module, name))
        return cast("TyperCommand", typer.main.get_command(command))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete the name of a command, without importing any."""
        self._names_only = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._names_only = False

    def make_context(self, info_name: str | None, args: list[str], *others: Any, **more: Any) -> Any:
        """Read the words before the command."""
        bare = not args
        try:
            return super().make_context(info_name, args, *others, **more)
        except _UsageError as error:
            if bare:  # which shows the help
                raise
            message = _misuse(error)
        print_error(message)
        raise typer.Exit(EXIT_ERROR)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what goes wrong is one line on standard error, and never a traceback."""
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            message = _misuse(error)
        except RlvitalsError as error:
            message = str(error)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of a pipe has had enough
                raise
            message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print_error(message)
        raise typer.Exit(EXIT_ERROR)


def _misuse(error: Any) -> str:
    """What is wrong with the words that were typed, and where it stands what is right."""
    message = error.format_message().replace(_OF_THE_PARSER, "").rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "rlvitals"
    return f"{message}; see  {command} --help"


app = typer.Typer(cls=Commands, name="rlvitals", no_args_is_help=True, **_PLAIN)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rlvitals {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version.")]


@app.callback()
def _options(*, version: Version = False) -> None:
    """Vital signs for reinforcement-learning training."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no block characters gets question marks, not a traceback.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    app(prog_name="rlvitals")
